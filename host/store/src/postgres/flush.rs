//! Writing what a group of operations has changed, in one round trip: a statement for each table,
//! with its rows as arrays.

use futures_util::future::try_join_all;
use stokehold_ledger::{AccountKey, Hold, HoldState, Timestamp};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::Session;
use crate::account::AccountRow;
use crate::call::{CallStatus, integer};
use crate::db::Db;
use crate::error::Error;
use crate::hold::seal;
use crate::host::HostId;
use crate::outbox::warn;
use crate::posting::Chain;
use crate::replay::{self, Once};
use crate::row;
use crate::working_set::{HoldPosting, Writes};

const ACCOUNTS: &str = "UPDATE account SET balance = new.balance, held = new.held, \
     posting_count = new.count, last_posting_id = new.last \
     FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bigint[], ?5::bigint[]) \
     AS new (id, balance, held, count, last) WHERE account.id = new.id";

const MADE: &str = "INSERT INTO hold (id, account_id, service_id, amount, state, captured, \
     created_at, expires_at, ended_at, description, seal) \
     SELECT * FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[], ?4::bigint[], ?5::bigint[], \
     ?6::bigint[], ?7::bigint[], ?8::bigint[], ?9::bigint[], ?10::text[], ?11::bigint[])";

const ENDED: &str = "UPDATE hold SET state = new.state, captured = new.captured, ended_at = ?4 \
     FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[]) AS new (id, state, captured) \
     WHERE hold.id = new.id AND hold.state = 0";

const POSTED: &str = "INSERT INTO posting (id, kind, service_id, account_id, number, previous_id, \
     balance, hold_id, at) SELECT *, ?9::bigint FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], \
     ?4::bigint[], ?5::bigint[], ?6::bigint[], ?7::bigint[], ?8::bytea[])";

const ENTERED: &str = "INSERT INTO entry (posting_id, book, amount) \
     SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[])";

const BEGUN: &str = "INSERT INTO call (id, service_id, version_id, account_key, client_id, route, \
     params_digest, status, price_list, credits, counted_day, fuel_bought, started_at, created_at, \
     host_id) SELECT *, ?14::bigint, ?15::bigint FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[], \
     ?4::bytea[], ?5::text[], ?6::text[], ?7::text[], ?8::text[], ?9::text[], ?10::bigint[], \
     ?11::bigint[], ?12::bigint[], ?13::bigint[])";

const QUEUED: &str = "INSERT INTO queued_call (call_id, params) \
     SELECT * FROM unnest(?1::bytea[], ?2::text[])";

const STARTED: &str = "UPDATE call SET status = 'running', started_at = ?2, host_id = ?3 \
     WHERE id = ANY (?1::bytea[]) AND status = 'queued'";

const SETTLED: &str = "UPDATE call SET status = new.status, outcome = new.outcome, \
     result = new.result, result_digest = new.result_digest, error = new.error, log = new.log, \
     fuel_used = new.fuel_used, host_calls = new.host_calls, \
     memory_peak_bytes = new.memory_peak_bytes, duration_ms = new.duration_ms, ended_at = ?12, \
     host_id = NULL FROM unnest(?1::bytea[], ?2::text[], ?3::text[], ?4::text[], ?5::text[], \
     ?6::text[], ?7::text[], ?8::bigint[], ?9::text[], ?10::bigint[], ?11::bigint[]) \
     AS new (id, status, outcome, result, result_digest, error, log, fuel_used, host_calls, \
     memory_peak_bytes, duration_ms) WHERE call.id = new.id AND call.ended_at IS NULL";

const LEFT: &str = "DELETE FROM queued_call WHERE call_id = ANY (?1::bytea[])";

/// Where another host has kept an answer under the same key in between, the group is decided again.
const KEPT: &str = "INSERT INTO replay (day, key, fingerprint, answer, at) \
     SELECT ?1::bigint, key, fingerprint, answer, ?2::bigint FROM unnest(?3::bytea[], ?4::bytea[], ?5::text[]) \
     AS new (key, fingerprint, answer) ORDER BY key ON CONFLICT DO NOTHING";

const SPENT: &str = "INSERT INTO spending (service_id, account_key, day, credits) \
     SELECT * FROM unnest(?1::bigint[], ?2::bytea[], ?3::bigint[], ?4::bigint[]) \
     ON CONFLICT (day, service_id, account_key) DO UPDATE SET credits = excluded.credits";

pub(super) fn flush(
    db: &Session,
    writes: &Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    let mut accounts = writes.accounts.clone();
    let links = links(writes, &mut accounts)?;
    let mut requests = Requests { db, all: Vec::new() };
    ledger(&mut requests, writes, (&accounts, &links), now)?;
    calls(&mut requests, writes, (host, now))?;
    beside(&mut requests, writes, now)?;
    requests.send()?;
    writes.warnings.iter().try_for_each(|low| warn(Db::Postgres(db), low, now))
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
    rows: u64,
    otherwise: Otherwise,
}

/// What it means that a statement has written fewer rows than it was given.
#[derive(Clone, Copy)]
enum Otherwise {
    /// Nobody else can have done that: what is written to was locked, or is new.
    Corrupt,
    /// Somebody else was quicker.
    InTheWay,
    /// Nothing: it does not write a row for each.
    Fine,
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
        otherwise: Otherwise,
        columns: impl FnOnce(&'a [R]) -> Vec<Column<'a>>,
    ) -> Result<(), Error> {
        if !rows.is_empty() {
            let statement = self.db.statement(sql)?;
            let (columns, rows) = (columns(rows), rows.len() as u64);
            self.all.push(Request { statement, columns, rows, otherwise });
        }
        Ok(())
    }

    fn send(self) -> Result<(), Error> {
        let client = self.db.client();
        let sent = self.all.iter().map(|request| async move {
            let columns = request.columns.iter().map(|column| &**column as &(dyn ToSql + Sync));
            client.execute_raw(&request.statement, columns).await
        });
        let written = self.db.wait(try_join_all(sent))?;
        for (request, written) in self.all.iter().zip(written) {
            match request.otherwise {
                Otherwise::Corrupt if written != request.rows => {
                    return Err(Error::Corrupt("a row that was decided on is not there".into()));
                }
                Otherwise::InTheWay if written != request.rows => return Err(Error::InTheWay),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A posting with its id and its place in its account's chain.
struct Link<'a> {
    id: i64,
    before: Chain,
    of_hold: &'a HoldPosting,
}

/// Gives each posting its id, and puts it on its account's chain.
fn links<'a>(writes: &'a Writes, accounts: &mut [AccountRow]) -> Result<Vec<Link<'a>>, Error> {
    let missing = || Error::Corrupt("a group posts more often than it was to".into());
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
    to.add(ACCOUNTS, accounts, Otherwise::Corrupt, |rows| {
        vec![
            column(rows, |row| row.account.id.0),
            column(rows, |row| row.account.balance.micros()),
            column(rows, |row| row.account.held.micros()),
            column(rows, |row| row.chain.count),
            column(rows, |row| row.chain.last),
        ]
    })?;
    to.add(MADE, &writes.made, Otherwise::Corrupt, |rows| {
        let ended = move |hold: &Hold| (hold.state != HoldState::Open).then_some(now.0);
        vec![
            column(rows, |hold| &hold.id.0.as_bytes()[..]),
            column(rows, |hold| hold.account.0),
            column(rows, |hold| hold.service.0),
            column(rows, |hold| hold.amount.micros()),
            column(rows, |hold| row::state_columns(hold.state).0),
            column(rows, |hold| row::state_columns(hold.state).1),
            column(rows, |hold| hold.created_at.0),
            column(rows, |hold| hold.expires_at.0),
            column(rows, ended),
            column(rows, |hold| hold.description.as_deref()),
            column(rows, seal),
        ]
    })?;
    to.add(ENDED, &writes.ended, Otherwise::Corrupt, |rows| {
        vec![
            column(rows, |hold| &hold.id.0.as_bytes()[..]),
            column(rows, |hold| row::state_columns(hold.state).0),
            column(rows, |hold| row::state_columns(hold.state).1),
            Box::new(now.0),
        ]
    })?;
    to.add(POSTED, links, Otherwise::Corrupt, |rows| posted(rows, now))?;
    to.add(ENTERED, links, Otherwise::Fine, entered)
}

fn posted<'a>(rows: &'a [Link<'a>], now: Timestamp) -> Vec<Column<'a>> {
    vec![
        column(rows, |link| link.id),
        column(rows, |link| row::kind_column(link.of_hold.posting.kind)),
        column(rows, |link| link.of_hold.account.service.0),
        column(rows, |link| link.of_hold.account.id.0),
        column(rows, |link| link.before.count + 1),
        column(rows, |link| link.before.last),
        column(rows, |link| link.of_hold.account.balance.micros()),
        column(rows, |link| &link.of_hold.hold.0.as_bytes()[..]),
        Box::new(now.0),
    ]
}

fn entered<'a>(rows: &'a [Link<'a>]) -> Vec<Column<'a>> {
    let entries =
        |link: &'a Link<'a>| link.of_hold.posting.entries.iter().map(move |entry| (link.id, entry));
    let entries: Vec<_> = rows.iter().flat_map(entries).collect();
    vec![
        Box::new(entries.iter().map(|(posting, _)| *posting).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|(_, entry)| row::book_column(entry.book)).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|(_, entry)| entry.amount).collect::<Vec<_>>()),
    ]
}

/// Calls and their queue.
fn calls<'a>(
    to: &mut Requests<'a>,
    writes: &'a Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    to.add(BEGUN, &writes.begun, Otherwise::Corrupt, |rows| {
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
    to.add(SETTLED, &writes.settled, Otherwise::InTheWay, |rows| {
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
    to.add(STARTED, &writes.started, Otherwise::InTheWay, |rows| {
        vec![column(rows, |call| &call.0.as_bytes()[..]), Box::new(now.0), Box::new(host.0)]
    })?;
    queue(to, writes)
}

/// What waiting calls are to be made with.
fn queue<'a>(to: &mut Requests<'a>, writes: &'a Writes) -> Result<(), Error> {
    let begun = || writes.begun.iter().filter(|call| call.new.queued.is_some());
    if begun().next().is_some() {
        to.add(QUEUED, &writes.begun, Otherwise::Fine, |_| {
            let ids: Vec<_> = begun().map(|call| &call.new.id.0.as_bytes()[..]).collect();
            let params: Vec<_> = begun().map(|call| call.new.queued.as_deref()).collect();
            vec![Box::new(ids), Box::new(params)]
        })?;
    }
    let settled = || writes.settled.iter().filter(|call| call.was_queued).map(|call| call.id);
    to.add(LEFT, &writes.started, Otherwise::Fine, |rows| {
        vec![column(rows, |call| &call.0.as_bytes()[..])]
    })?;
    if settled().next().is_some() {
        to.add(LEFT, &writes.settled, Otherwise::Fine, |_| {
            vec![Box::new(settled().map(|call| call.0.as_bytes().to_vec()).collect::<Vec<_>>())]
        })?;
    }
    Ok(())
}

/// Answers that are kept, and what accounts spend.
fn beside<'a>(to: &mut Requests<'a>, writes: &'a Writes, now: Timestamp) -> Result<(), Error> {
    to.add(KEPT, &writes.kept, Otherwise::InTheWay, |rows| {
        vec![
            Box::new(replay::day(now)),
            Box::new(now.0),
            column(rows, |(once, _)| &once.key[..]),
            column(rows, |(once, _)| &once.fingerprint[..]),
            column(rows, |(_, answer)| answer.as_str()),
        ]
    })?;
    to.add(KEPT, &writes.requests, Otherwise::InTheWay, |rows| {
        vec![
            Box::new(replay::day(now)),
            Box::new(now.0),
            column(rows, |(request, _)| &request[..]),
            column(rows, |(request, _)| Once::of_request(request).fingerprint.to_vec()),
            column(rows, |(_, hold)| hold.to_string()),
        ]
    })?;
    to.add(SPENT, &writes.spent, Otherwise::Corrupt, |rows| {
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
