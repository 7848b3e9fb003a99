//! Writing what a group of operations has changed, in one round trip: a statement for each table,
//! with its rows as arrays.

use stokehold_ledger::{Account, HoldState, Timestamp};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error as PgError, Statement};

use super::Session;
use crate::call::integer;
use crate::db::Db;
use crate::error::Error;
use crate::hold::seal;
use crate::host::HostId;
use crate::outbox::warn;
use crate::replay;
use crate::row;
use crate::working_set::{HoldPosting, Writes};

const ACCOUNTS: &str = "UPDATE account SET balance = new.balance, held = new.held \
     FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[]) AS new (id, balance, held) \
     WHERE account.id = new.id";

const MADE: &str = "INSERT INTO hold (id, account_id, service_id, amount, state, captured, \
     created_at, expires_at, ended_at, description, seal) \
     SELECT * FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[], ?4::bigint[], ?5::bigint[], \
     ?6::bigint[], ?7::bigint[], ?8::bigint[], ?9::bigint[], ?10::text[], ?11::bigint[])";

const ENDED: &str = "UPDATE hold SET state = new.state, captured = new.captured, ended_at = ?4 \
     FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[]) AS new (id, state, captured) \
     WHERE hold.id = new.id AND hold.state = 0";

/// A group posts once for each hold, so that an entry finds its posting by that.
const POSTED: &str = "WITH posted AS (INSERT INTO posting (kind, service_id, account_id, hold_id, at) \
     SELECT kind, service_id, account_id, hold_id, ?5 \
     FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bytea[]) \
     AS new (kind, service_id, account_id, hold_id) RETURNING id, hold_id) \
     INSERT INTO entry (posting_id, book, amount) SELECT posted.id, new.book, new.amount \
     FROM unnest(?6::bytea[], ?7::bigint[], ?8::bigint[]) AS new (hold_id, book, amount) \
     JOIN posted ON posted.hold_id = new.hold_id";

const BEGUN: &str = "INSERT INTO call (id, service_id, version_id, account_key, route, \
     params_digest, status, price_list, credits, fuel_bought, created_at, host_id) \
     SELECT id, service_id, version_id, account_key, route, params_digest, 'running', price_list, \
     credits, fuel_bought, ?10, ?11 FROM unnest(?1::bytea[], ?2::bigint[], ?3::bigint[], \
     ?4::bytea[], ?5::text[], ?6::text[], ?7::text[], ?8::bigint[], ?9::bigint[]) \
     AS new (id, service_id, version_id, account_key, route, params_digest, price_list, credits, \
     fuel_bought)";

const SETTLED: &str = "UPDATE call SET status = new.status, outcome = new.outcome, \
     result = new.result, error = new.error, log = new.log, fuel_used = new.fuel_used, \
     memory_peak_bytes = new.memory_peak_bytes, duration_ms = new.duration_ms, ended_at = ?10, \
     host_id = NULL FROM unnest(?1::bytea[], ?2::text[], ?3::text[], ?4::text[], ?5::text[], \
     ?6::text[], ?7::bigint[], ?8::bigint[], ?9::bigint[]) AS new (id, status, outcome, result, \
     error, log, fuel_used, memory_peak_bytes, duration_ms) \
     WHERE call.id = new.id AND call.status = 'running'";

/// Where another host has kept an answer under the same key in between, the group is decided again.
const KEPT: &str = "INSERT INTO replay (day, key, fingerprint, answer, at) \
     SELECT ?1, key, fingerprint, answer, ?2 FROM unnest(?3::bytea[], ?4::bytea[], ?5::text[]) \
     AS new (key, fingerprint, answer) ORDER BY key ON CONFLICT DO NOTHING";

pub(super) fn flush(
    db: &Session,
    writes: &Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    let prepared = Prepared::of(db, writes)?;
    let client = db.client();
    let counts = db.wait(async {
        let counts = tokio::join!(
            biased;
            accounts(client, prepared.accounts.as_ref(), &writes.accounts),
            made(client, prepared.made.as_ref(), writes, now),
            ended(client, prepared.ended.as_ref(), writes, now),
            posted(client, prepared.posted.as_ref(), writes, now),
            begun(client, prepared.begun.as_ref(), writes, (host, now)),
            settled(client, prepared.settled.as_ref(), writes, now),
            kept(client, prepared.kept.as_ref(), writes, now),
        );
        counts.1?;
        counts.3?;
        counts.4?;
        Ok([counts.0?, counts.2?, counts.5?, counts.6?])
    })?;
    let [accounts, ended, settled, kept] = counts;
    let all = |rows: u64, of: usize| usize::try_from(rows) == Ok(of);
    // The accounts are locked, so nobody else can have ended what belongs to them; a free call has
    // no account.
    if !all(accounts, writes.accounts.len()) || !all(ended, writes.ended.len()) {
        return Err(Error::Corrupt("a row that was decided on is not there".into()));
    }
    if !all(settled, writes.settled.len()) || !all(kept, writes.kept.len()) {
        return Err(Error::InTheWay);
    }
    writes.warnings.iter().try_for_each(|low| warn(Db::Postgres(db), low, now))
}

/// The statements of what there is to write.
struct Prepared {
    accounts: Option<Statement>,
    made: Option<Statement>,
    ended: Option<Statement>,
    posted: Option<Statement>,
    begun: Option<Statement>,
    settled: Option<Statement>,
    kept: Option<Statement>,
}

impl Prepared {
    fn of(db: &Session, writes: &Writes) -> Result<Self, Error> {
        let some = |sql, is_empty: bool| (!is_empty).then(|| db.statement(sql)).transpose();
        Ok(Self {
            accounts: some(ACCOUNTS, writes.accounts.is_empty())?,
            made: some(MADE, writes.made.is_empty())?,
            ended: some(ENDED, writes.ended.is_empty())?,
            posted: some(POSTED, writes.postings.is_empty())?,
            begun: some(BEGUN, writes.begun.is_empty())?,
            settled: some(SETTLED, writes.settled.is_empty())?,
            kept: some(KEPT, writes.kept.is_empty())?,
        })
    }
}

async fn execute(
    client: &Client,
    statement: Option<&Statement>,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, PgError> {
    match statement {
        Some(statement) => client.execute(statement, parameters).await,
        None => Ok(0),
    }
}

/// A column: the same of each row.
fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

async fn accounts(
    client: &Client,
    statement: Option<&Statement>,
    rows: &[Account],
) -> Result<u64, PgError> {
    let ids = column(rows, |account| account.id.0);
    let balances = column(rows, |account| account.balance.micros());
    let held = column(rows, |account| account.held.micros());
    execute(client, statement, &[&ids, &balances, &held]).await
}

async fn made(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    now: Timestamp,
) -> Result<u64, PgError> {
    let rows = &writes.made;
    let state = |hold: &stokehold_ledger::Hold| row::state_columns(hold.state);
    let ended = |hold: &stokehold_ledger::Hold| (hold.state != HoldState::Open).then_some(now.0);
    let parameters: [&(dyn ToSql + Sync); 11] = [
        &column(rows, |hold| &hold.id.0.as_bytes()[..]),
        &column(rows, |hold| hold.account.0),
        &column(rows, |hold| hold.service.0),
        &column(rows, |hold| hold.amount.micros()),
        &column(rows, |hold| state(hold).0),
        &column(rows, |hold| state(hold).1),
        &column(rows, |hold| hold.created_at.0),
        &column(rows, |hold| hold.expires_at.0),
        &column(rows, ended),
        &column(rows, |hold| hold.description.as_deref()),
        &column(rows, seal),
    ];
    execute(client, statement, &parameters).await
}

async fn ended(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    now: Timestamp,
) -> Result<u64, PgError> {
    let rows = &writes.ended;
    let ids = column(rows, |hold| &hold.id.0.as_bytes()[..]);
    let states = column(rows, |hold| row::state_columns(hold.state).0);
    let captured = column(rows, |hold| row::state_columns(hold.state).1);
    execute(client, statement, &[&ids, &states, &captured, &now.0]).await
}

async fn posted(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    now: Timestamp,
) -> Result<u64, PgError> {
    let rows = &writes.postings;
    let entries: Vec<_> = rows
        .iter()
        .flat_map(|HoldPosting { hold, posting, .. }| {
            posting.entries.iter().map(move |entry| (hold, entry))
        })
        .collect();
    let parameters: [&(dyn ToSql + Sync); 8] = [
        &column(rows, |row| row::kind_column(row.posting.kind)),
        &column(rows, |row| row.service.0),
        &column(rows, |row| row.account.0),
        &column(rows, |row| &row.hold.0.as_bytes()[..]),
        &now.0,
        &column(&entries, |(hold, _)| &hold.0.as_bytes()[..]),
        &column(&entries, |(_, entry)| row::book_column(entry.book)),
        &column(&entries, |(_, entry)| entry.amount),
    ];
    execute(client, statement, &parameters).await
}

async fn begun(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    (host, now): (HostId, Timestamp),
) -> Result<u64, PgError> {
    let rows = &writes.begun;
    let keys = column(rows, |call| call.account_token.key());
    let parameters: [&(dyn ToSql + Sync); 11] = [
        &column(rows, |call| &call.id.0.as_bytes()[..]),
        &column(rows, |call| call.service.0),
        &column(rows, |call| call.version.0),
        &column(&keys, |key| &key.0[..]),
        &column(rows, |call| call.route.as_str()),
        &column(rows, |call| call.params_digest.as_str()),
        &column(rows, |call| call.price_list.as_str()),
        &column(rows, |call| call.credits.micros()),
        &column(rows, |call| call.fuel_bought()),
        &now.0,
        &host.0,
    ];
    execute(client, statement, &parameters).await
}

async fn settled(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    now: Timestamp,
) -> Result<u64, PgError> {
    let rows = &writes.settled;
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &column(rows, |call| &call.id.0.as_bytes()[..]),
        &column(rows, |call| call.status.as_str()),
        &column(rows, |call| call.spent.outcome.as_str()),
        &column(rows, |call| call.spent.result.as_deref()),
        &column(rows, |call| call.spent.error.as_deref()),
        &column(rows, |call| call.spent.log.as_str()),
        &column(rows, |call| call.fuel_used),
        &column(rows, |call| integer(call.spent.memory_peak_bytes)),
        &column(rows, |call| integer(call.spent.duration_ms)),
        &now.0,
    ];
    execute(client, statement, &parameters).await
}

async fn kept(
    client: &Client,
    statement: Option<&Statement>,
    writes: &Writes,
    now: Timestamp,
) -> Result<u64, PgError> {
    let rows = &writes.kept;
    let parameters: [&(dyn ToSql + Sync); 5] = [
        &replay::day(now),
        &now.0,
        &column(rows, |(once, _)| &once.key[..]),
        &column(rows, |(once, _)| &once.fingerprint[..]),
        &column(rows, |(_, answer)| answer.as_str()),
    ];
    execute(client, statement, &parameters).await
}
