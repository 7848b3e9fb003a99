//! Requests that have made a hold, found again for a day.
//!
//! Nearly every authorize brings one, and they are as scattered as digests are: an index of them on
//! the disk would cost each a page of its own. So their rows stand in the order of their arrival, and
//! what finds a row by its digest is in memory. It is read when the database is opened.

use std::collections::{HashMap, VecDeque};
use std::mem;

use stokehold_ledger::{HoldId, Timestamp};

use crate::db::{Db, Prepared, values};
use crate::error::Error;
use crate::replay::{self, Kept, RequestDigest};
use crate::row;

/// How many requests are known at the most, unless somebody says otherwise: 3.67 million take 105 MB,
/// where there are so many in a day. Beyond it the oldest are no longer recognised. A generation has
/// as many as just fill a table of 2^18 places; a few more would have one of twice the size.
pub(super) const REQUESTS_MAX: usize = GENERATIONS_MAX * ((1 << 18) / 8 * 7);

/// How many generations they are kept in: one of them is dropped from memory at a time.
const GENERATIONS_MAX: usize = 16;

/// How many rows are dropped at a time.
const DROPPED_MAX: i64 = 4_096;

/// What [`Requests::keep`] runs.
pub(super) const KEEP: &str = "INSERT INTO request (digest, hold_id, at) VALUES (?1, ?2, ?3)";

/// Half of a digest, which is enough to find a row: the row has all of it.
type Prefix = [u8; 16];

#[derive(Default)]
struct Generation {
    rows: HashMap<Prefix, i64>,
    newest: i64,
}

/// See the module.
pub(super) struct Requests {
    /// How many there are in a generation.
    generation_max: usize,
    /// Rows by digest. The oldest generation first; the last one still grows.
    generations: VecDeque<Generation>,
    /// Those of the transaction that is under way.
    staged: Vec<(Prefix, i64)>,
}

impl Requests {
    /// Reads those that are there, up to `max`.
    pub(super) fn load(db: Db<'_>, max: usize) -> Result<Self, Error> {
        let mut requests = Self {
            generation_max: (max / GENERATIONS_MAX).max(1),
            generations: VecDeque::new(),
            staged: Vec::new(),
        };
        let max = i64::try_from(requests.max()).unwrap_or(i64::MAX);
        let all = "SELECT digest, id FROM request WHERE id > (SELECT max(id) FROM request) - ?1 \
                   ORDER BY id";
        db.each(all, values![max], &mut |row| {
            requests.add(prefix(&row.get(0)?), row.get(1)?);
            Ok(())
        })?;
        Ok(requests)
    }

    /// How many are known at the most.
    pub(super) fn max(&self) -> usize {
        self.generation_max.saturating_mul(GENERATIONS_MAX)
    }

    /// The hold that this request has made.
    pub(super) fn find(&self, db: Db<'_>, digest: &RequestDigest) -> Result<Option<Kept>, Error> {
        let key = prefix(digest);
        let Some(id) =
            self.generations.iter().rev().find_map(|generation| generation.rows.get(&key))
        else {
            return Ok(None);
        };
        let sql = "SELECT hold_id, at FROM request WHERE id = ?1 AND digest = ?2";
        db.find(sql, values![*id, digest], |row| {
            Ok(Kept::of_request(HoldId(row::uuid(row, 0)?), Timestamp(row.get(1)?)))
        })
    }

    /// Writes, with [`KEEP`], that a request has made a hold. It is found once the transaction is [`Self::settled`].
    pub(super) fn keep(
        &mut self,
        insert: &mut Prepared<'_>,
        digest: &RequestDigest,
        hold: HoldId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let row = insert.insert(values![digest, hold.0.as_bytes(), now.0])?;
        self.staged.push((prefix(digest), row));
        Ok(())
    }

    /// The transaction took place.
    pub(super) fn settled(&mut self) {
        for (digest, row) in mem::take(&mut self.staged) {
            self.add(digest, row);
        }
    }

    /// The transaction did not take place.
    pub(super) fn undone(&mut self) {
        self.staged.clear();
    }

    fn add(&mut self, digest: Prefix, row: i64) {
        if self.generations.back().is_none_or(|newest| newest.rows.len() >= self.generation_max) {
            if self.generations.len() == GENERATIONS_MAX {
                self.generations.pop_front();
            }
            self.generations.push_back(Generation::default());
        }
        if let Some(newest) = self.generations.back_mut() {
            newest.rows.insert(digest, row);
            newest.newest = row;
        }
    }

    /// Drops rows that no repeat looks at any more, some at a time, and the memory of generations
    /// whose rows are all gone.
    pub(super) fn forget(&mut self, db: Db<'_>, now: Timestamp) -> Result<(), Error> {
        let old = "DELETE FROM request WHERE id IN (SELECT id FROM \
                   (SELECT id, at FROM request ORDER BY id LIMIT ?2) WHERE at <= ?1)";
        db.execute(old, values![replay::since(now), DROPPED_MAX])?;
        let oldest = "SELECT coalesce(min(id), 0) FROM request";
        let oldest: i64 = db.one(oldest, values![], |row| row.get(0))?;
        while self.generations.len() > 1 && self.generations[0].newest < oldest {
            self.generations.pop_front();
        }
        Ok(())
    }
}

fn prefix(digest: &RequestDigest) -> Prefix {
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use uuid::Uuid;

    use super::*;
    use crate::sqlite::migrate;

    /// How many are known at the most.
    const MAX: u8 = 32;

    fn digest(number: u8) -> RequestDigest {
        [number; 32]
    }

    fn known(requests: &Requests, db: &Connection) -> Vec<u8> {
        let is_known = |number: &u8| {
            let found = requests.find(Db::Sqlite(db), &digest(*number)).expect("it is read");
            found.is_some()
        };
        (0..100).filter(is_known).collect()
    }

    #[test]
    fn beyond_the_limit_the_oldest_are_forgotten() {
        let mut db = Connection::open_in_memory().expect("a database");
        migrate(&mut db, |_| Ok(())).expect("tables");
        let max = usize::from(MAX);
        let mut requests = Requests::load(Db::Sqlite(&db), max).expect("there are none");
        for number in 0..100 {
            let hold = HoldId(Uuid::from_u128(number.into()));
            let now = Timestamp(number.into());
            let mut insert = Db::Sqlite(&db).prepare(KEEP).expect("it is prepared");
            requests.keep(&mut insert, &digest(number), hold, now).expect("it is kept");
            requests.settled();
        }
        // A generation of two is dropped when the next one begins.
        assert_eq!(known(&requests, &db), (100 - MAX..100).collect::<Vec<_>>());
        let again = Requests::load(Db::Sqlite(&db), requests.max()).expect("they are read");
        assert_eq!(known(&again, &db), (100 - MAX..100).collect::<Vec<_>>());
        let fewer = Requests::load(Db::Sqlite(&db), max / 2).expect("they are read");
        assert_eq!(known(&fewer, &db), (100 - MAX / 2..100).collect::<Vec<_>>());
    }
}
