//! Writing what a group of operations has changed, and committing it, in one round trip: a statement
//! for each table, with its rows as arrays.
//!
//! Nobody looks at what the statements have done before the commit is on its way. So the server
//! itself raises an error where one has written fewer rows than it was given, and then the commit
//! that follows undoes everything.

use futures_util::future::{try_join, try_join_all};
use stokehold_ledger::{AccountKey, Book, Hold, HoldState, Timestamp};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::Session;
use crate::account::AccountRow;
use crate::call::{CallStatus, integer};
use crate::db::Db;
use crate::error::Error;
use crate::fail_point::FailPoint;
use crate::hold::seal;
use crate::host::HostId;
use crate::outbox::warn;
use crate::posting::Chain;
use crate::replay::{self, Once};
use crate::row;
use crate::working_set::{HoldPosting, Writes};

/// An expression that fails where the rows of `$written` are fewer than `$given` has elements. This
/// is `corrupt` where nobody else can have done that, for what is written to was locked or is new;
/// `in_the_way` where somebody else may have been quicker, so that another attempt may succeed.
macro_rules! check_written {
    ($written:literal, $given:literal, corrupt) => {
        check_written!($written, $given, "data_corrupted")
    };
    ($written:literal, $given:literal, in_the_way) => {
        check_written!($written, $given, "serialization_failure")
    };
    ($written:literal, $given:literal, $error:literal) => {
        concat!(
            "check_written((SELECT count(*) FROM ",
            $written,
            "), cardinality(",
            $given,
            "), '",
            $error,
            "')"
        )
    };
}

/// A statement that has to write a row for each element of ?1.
macro_rules! whole {
    ($error:tt, $sql:literal) => {
        concat!(
            "WITH written AS (",
            $sql,
            " RETURNING 1) SELECT ",
            check_written!("written", "?1", $error)
        )
    };
}

/// Accounts (?1 to ?5), holds that were made (?7 to ?16) and that have ended (?17 to ?19), postings
/// (?20 to ?30), all at the instant ?6.
///
/// That a hold is open is not asked for, which would have the server go through all that are: one
/// that has ended is refused by a trigger.
const LEDGER: &str = concat!(
    "WITH accounts AS (UPDATE account_balance SET balance = new.balance, held = new.held, \
     posting_count = new.count, last_posting_id = new.last \
     FROM (SELECT unnest(?1::bigint[]) AS id, unnest(?2::bigint[]) AS balance, \
     unnest(?3::bigint[]) AS held, unnest(?4::bigint[]) AS count, unnest(?5::bigint[]) AS last) \
     AS new WHERE account_id = new.id RETURNING 1), \
     made AS (INSERT INTO hold (id, account_id, service_id, amount, state, captured, created_at, \
     expires_at, ended_at, description, seal) SELECT unnest(?7::bytea[]), unnest(?8::bigint[]), \
     unnest(?9::bigint[]), unnest(?10::bigint[]), unnest(?11::bigint[]), unnest(?12::bigint[]), \
     ?6::bigint, unnest(?13::bigint[]), unnest(?14::bigint[]), unnest(?15::text[]), \
     unnest(?16::bigint[])), \
     ended AS (UPDATE hold SET state = new.state, captured = new.captured, ended_at = ?6 \
     FROM (SELECT unnest(?17::bytea[]) AS id, unnest(?18::bigint[]) AS state, \
     unnest(?19::bigint[]) AS captured) AS new WHERE hold.id = new.id RETURNING 1), \
     posted AS (INSERT INTO posting (id, kind, service_id, account_id, number, previous_id, \
     balance, amount, issuance, earned, hold_id, at) SELECT unnest(?20::bigint[]), \
     unnest(?21::bigint[]), unnest(?22::bigint[]), unnest(?23::bigint[]), unnest(?24::bigint[]), \
     unnest(?25::bigint[]), unnest(?26::bigint[]), unnest(?27::bigint[]), unnest(?28::bigint[]), \
     unnest(?29::bigint[]), unnest(?30::bytea[]), ?6) SELECT ",
    check_written!("accounts", "?1", corrupt),
    ", ",
    check_written!("ended", "?17", corrupt)
);

const BEGUN: &str = "INSERT INTO call (id, service_id, version_id, account_key, client_id, route, \
     params_digest, status, price_list, credits, counted_day, fuel_bought, started_at, created_at, \
     host_id) SELECT unnest(?1::bytea[]), unnest(?2::bigint[]), unnest(?3::bigint[]), \
     unnest(?4::bytea[]), unnest(?5::text[]), unnest(?6::text[]), unnest(?7::text[]), \
     unnest(?8::text[]), unnest(?9::text[]), unnest(?10::bigint[]), unnest(?11::bigint[]), \
     unnest(?12::bigint[]), unnest(?13::bigint[]), ?14::bigint, ?15::bigint";

const QUEUED: &str = "INSERT INTO queued_call (call_id, params) \
     SELECT unnest(?1::bytea[]), unnest(?2::text[])";

const STARTED: &str = whole!(
    in_the_way,
    "UPDATE call SET status = 'running', started_at = ?2, host_id = ?3 \
     WHERE id = ANY (?1::bytea[]) AND status = 'queued'"
);

const SETTLED: &str = whole!(
    in_the_way,
    "UPDATE call SET status = new.status, outcome = new.outcome, result = new.result, \
     result_digest = new.result_digest, error = new.error, log = new.log, \
     fuel_used = new.fuel_used, host_calls = new.host_calls, \
     memory_peak_bytes = new.memory_peak_bytes, duration_ms = new.duration_ms, ended_at = ?12, \
     host_id = NULL FROM (SELECT unnest(?1::bytea[]) AS id, unnest(?2::text[]) AS status, \
     unnest(?3::text[]) AS outcome, unnest(?4::text[]) AS result, unnest(?5::text[]) AS result_digest, \
     unnest(?6::text[]) AS error, unnest(?7::text[]) AS log, unnest(?8::bigint[]) AS fuel_used, \
     unnest(?9::text[]) AS host_calls, unnest(?10::bigint[]) AS memory_peak_bytes, \
     unnest(?11::bigint[]) AS duration_ms) AS new \
     WHERE call.id = new.id AND call.status IN ('queued', 'running')"
);

const LEFT: &str = "DELETE FROM queued_call WHERE call_id = ANY (?1::bytea[])";

/// Where another host has kept an answer under the same key in between, the group is decided again.
const KEPT: &str = whole!(
    in_the_way,
    "INSERT INTO replay (key, fingerprint, answer, day, at) \
     SELECT key, fingerprint, answer, ?4::bigint, ?5::bigint FROM (SELECT unnest(?1::bytea[]) AS key, \
     unnest(?2::bytea[]) AS fingerprint, unnest(?3::text[]) AS answer) AS new \
     ORDER BY key ON CONFLICT DO NOTHING"
);

const SPENT: &str = "INSERT INTO spending (service_id, account_key, day, credits) \
     SELECT unnest(?1::bigint[]), unnest(?2::bytea[]), unnest(?3::bigint[]), unnest(?4::bigint[]) \
     ON CONFLICT (day, service_id, account_key) DO UPDATE SET credits = excluded.credits";

/// Writes all of it, and commits.
pub(super) fn flush(
    db: &Session,
    writes: &Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    writes.warnings.iter().try_for_each(|low| warn(Db::Postgres(db), low, now))?;
    let mut accounts = writes.accounts.clone();
    let links = links(writes, &mut accounts)?;
    let mut requests = Requests { db, all: Vec::new() };
    ledger(&mut requests, writes, (&accounts, &links), now)?;
    calls(&mut requests, writes, (host, now))?;
    beside(&mut requests, writes, now)?;
    requests.commit()
}

/// Statements that are sent together, in their order.
struct Requests<'a> {
    db: &'a Session,
    all: Vec<Request<'a>>,
}

/// A statement with its rows.
struct Request<'a> {
    statement: Statement,
    columns: Vec<Column<'a>>,
}

/// An array with the same of each row, or what is the same for all.
type Column<'a> = Box<dyn ToSql + Sync + 'a>;

fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Column<'a>
where
    Vec<T>: ToSql + Sync + 'a,
{
    Box::new(rows.iter().map(of).collect::<Vec<T>>())
}

impl<'a> Requests<'a> {
    /// Adds a statement for `rows`, unless there are none.
    fn add<R>(
        &mut self,
        sql: &str,
        rows: &'a [R],
        columns: impl FnOnce(&'a [R]) -> Vec<Column<'a>>,
    ) -> Result<(), Error> {
        if !rows.is_empty() {
            let statement = self.db.statement(sql)?;
            self.all.push(Request { statement, columns: columns(rows) });
        }
        Ok(())
    }

    /// Has the server do all of it and commit. From here on nobody knows until it says.
    fn commit(self) -> Result<(), Error> {
        let client = self.db.client();
        let sent = self.all.iter().map(|request| async move {
            let columns = request.columns.iter().map(|column| &**column as &(dyn ToSql + Sync));
            client.execute_raw(&request.statement, columns).await
        });
        FailPoint::BeforeCommit.pass();
        self.db.wait(try_join(try_join_all(sent), client.batch_execute("COMMIT"))).map(drop)
    }
}

/// A posting with its id and its account's postings before it.
struct Link<'a> {
    id: i64,
    before: Chain,
    of_hold: &'a HoldPosting,
}

/// Puts each posting on its account's chain.
fn links<'a>(writes: &'a Writes, accounts: &mut [AccountRow]) -> Result<Vec<Link<'a>>, Error> {
    let missing = || Error::Corrupt("a group posts more often than once for each hold".into());
    let mut ids = writes.posting_ids.iter().copied();
    let link = |of_hold: &'a HoldPosting| {
        let id = ids.next().ok_or_else(missing)?;
        let chain = &mut accounts[of_hold.position].chain;
        let before = std::mem::replace(chain, chain.and(id));
        Ok(Link { id, before, of_hold })
    };
    writes.postings.iter().map(link).collect()
}

/// Accounts, holds and postings.
fn ledger<'a>(
    to: &mut Requests<'a>,
    writes: &'a Writes,
    (accounts, links): (&'a [AccountRow], &'a [Link<'a>]),
    now: Timestamp,
) -> Result<(), Error> {
    to.add(LEDGER, accounts, |rows| {
        let mut columns = vec![
            column(rows, |row| row.account.id.0),
            column(rows, |row| row.account.balance.micros()),
            column(rows, |row| row.account.held.micros()),
            column(rows, |row| row.chain.count),
            column(rows, |row| row.chain.last),
            Box::new(now.0),
        ];
        columns.extend(made(&writes.made, now));
        columns.extend(ended(&writes.ended));
        columns.extend(posted(links));
        columns
    })
}

fn made(rows: &[Hold], now: Timestamp) -> [Column<'_>; 10] {
    let ended = move |hold: &Hold| (hold.state != HoldState::Open).then_some(now.0);
    [
        column(rows, |hold| &hold.id.0.as_bytes()[..]),
        column(rows, |hold| hold.account.0),
        column(rows, |hold| hold.service.0),
        column(rows, |hold| hold.amount.micros()),
        column(rows, |hold| row::state_columns(hold.state).0),
        column(rows, |hold| row::state_columns(hold.state).1),
        column(rows, |hold| hold.expires_at.0),
        column(rows, ended),
        column(rows, |hold| hold.description.as_deref()),
        column(rows, seal),
    ]
}

fn ended(rows: &[Hold]) -> [Column<'_>; 3] {
    [
        column(rows, |hold| &hold.id.0.as_bytes()[..]),
        column(rows, |hold| row::state_columns(hold.state).0),
        column(rows, |hold| row::state_columns(hold.state).1),
    ]
}

/// Nothing that is done to a hold moves money.
fn posted<'a>(links: &'a [Link<'a>]) -> [Column<'a>; 11] {
    [
        column(links, |link| link.id),
        column(links, |link| row::kind_column(link.of_hold.posting.kind)),
        column(links, |link| link.of_hold.account.service.0),
        column(links, |link| link.of_hold.account.id.0),
        column(links, |link| link.before.count + 1),
        column(links, |link| link.before.last),
        column(links, |link| link.of_hold.account.balance.micros()),
        column(links, |link| link.of_hold.posting.amount(Book::Account)),
        column(links, |link| link.of_hold.posting.amount(Book::Issuance)),
        column(links, |link| link.of_hold.posting.amount(Book::Earned)),
        column(links, |link| &link.of_hold.hold.0.as_bytes()[..]),
    ]
}

/// Calls and their queue.
fn calls<'a>(
    to: &mut Requests<'a>,
    writes: &'a Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    to.add(BEGUN, &writes.begun, |rows| {
        let started = move |status| (status == CallStatus::Running).then_some(now.0);
        vec![
            column(rows, |call| &call.new.id.0.as_bytes()[..]),
            column(rows, |call| call.new.service.0),
            column(rows, |call| call.new.version.0),
            column(rows, |call| key(call.new.account_token.key())),
            column(rows, |call| call.new.client_id.as_str()),
            column(rows, |call| call.new.route.as_str()),
            column(rows, |call| call.new.params_digest.as_str()),
            column(rows, |call| call.new.first_status().as_str()),
            column(rows, |call| call.new.price_list.as_str()),
            column(rows, |call| call.new.credits.micros()),
            column(rows, |call| call.spender.map(|spender| spender.day)),
            column(rows, |call| call.new.fuel_bought()),
            column(rows, |call| started(call.new.first_status())),
            Box::new(now.0),
            Box::new(host.0),
        ]
    })?;
    to.add(SETTLED, &writes.settled, |rows| {
        vec![
            column(rows, |call| &call.id.0.as_bytes()[..]),
            column(rows, |call| call.status.as_str()),
            column(rows, |call| call.spent.outcome.as_str()),
            column(rows, |call| call.spent.result.as_deref()),
            column(rows, |call| call.spent.result_digest.as_deref()),
            column(rows, |call| call.spent.error.as_deref()),
            column(rows, |call| call.spent.log.as_str()),
            column(rows, |call| call.fuel_used),
            column(rows, |call| call.spent.host_calls.as_str()),
            column(rows, |call| integer(call.spent.memory_peak_bytes)),
            column(rows, |call| integer(call.spent.duration_ms)),
            Box::new(now.0),
        ]
    })?;
    to.add(STARTED, &writes.started, |rows| {
        vec![column(rows, |call| &call.0.as_bytes()[..]), Box::new(now.0), Box::new(host.0)]
    })?;
    queue(to, writes)
}

/// What waiting calls are to be made with.
fn queue<'a>(to: &mut Requests<'a>, writes: &'a Writes) -> Result<(), Error> {
    let begun = || writes.begun.iter().filter(|call| call.new.queued.is_some());
    if begun().next().is_some() {
        to.add(QUEUED, &writes.begun, |_| {
            let ids: Vec<_> = begun().map(|call| &call.new.id.0.as_bytes()[..]).collect();
            let params: Vec<_> = begun().map(|call| call.new.queued.as_deref()).collect();
            vec![Box::new(ids), Box::new(params)]
        })?;
    }
    let settled = || writes.settled.iter().filter(|call| call.was_queued).map(|call| call.id);
    to.add(LEFT, &writes.started, |rows| vec![column(rows, |call| &call.0.as_bytes()[..])])?;
    if settled().next().is_some() {
        to.add(LEFT, &writes.settled, |_| {
            vec![Box::new(settled().map(|call| call.0.as_bytes().to_vec()).collect::<Vec<_>>())]
        })?;
    }
    Ok(())
}

/// Answers that are kept, and what accounts spend.
fn beside<'a>(to: &mut Requests<'a>, writes: &'a Writes, now: Timestamp) -> Result<(), Error> {
    to.add(KEPT, &writes.kept, |rows| {
        vec![
            column(rows, |(once, _)| &once.key[..]),
            column(rows, |(once, _)| &once.fingerprint[..]),
            column(rows, |(_, answer)| answer.as_str()),
            Box::new(replay::day(now)),
            Box::new(now.0),
        ]
    })?;
    to.add(KEPT, &writes.requests, |rows| {
        vec![
            column(rows, |(request, _)| &request[..]),
            column(rows, |(request, _)| Once::of_request(request).fingerprint.to_vec()),
            column(rows, |(_, hold)| hold.to_string()),
            Box::new(replay::day(now)),
            Box::new(now.0),
        ]
    })?;
    to.add(SPENT, &writes.spent, |rows| {
        vec![
            column(rows, |(spender, _)| spender.service.0),
            column(rows, |(spender, _)| &spender.account.0[..]),
            column(rows, |(spender, _)| spender.day),
            column(rows, |(_, credits)| credits.micros()),
        ]
    })
}

fn key(AccountKey(bytes): AccountKey) -> Vec<u8> {
    bytes.to_vec()
}
