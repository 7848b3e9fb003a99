//! Loading what a group of operations is decided on, in one round trip.
//!
//! Everything is asked for at once. The accounts are locked first; each later statement has a view
//! of its own, which is of after that.

use std::borrow::Cow;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row as PgRow, Statement};

use stokehold_ledger::{AccountKey, CallId, ServiceId, Timestamp};

use super::Transaction;
use crate::call::CallStatus;
use crate::clock::Clock;
use crate::db::Row;
use crate::error::Error;
use crate::op::Wanted;
use crate::replay;
use crate::row;
use crate::spending::Spender;
use crate::text;
use crate::working_set::{KnownCall, WorkingSet};

/// The ids of a group's accounts: those that are named (?1, ?2), those of its holds (?3), and those
/// that a sweep comes upon (?4 the instant, ?5 how many).
macro_rules! account_ids {
    () => {
        "SELECT account.id FROM unnest(?1::bigint[], ?2::bytea[]) AS named (service_id, key) \
         JOIN account ON account.key = named.key AND account.service_id = named.service_id \
         UNION ALL SELECT account_id FROM hold WHERE id = ANY (?3::bytea[]) \
         UNION ALL (SELECT account_id FROM hold \
         WHERE state = 0 AND expires_at <= ?4 ORDER BY expires_at LIMIT ?5)"
    };
}

/// The server's time, with each account. The fence (?6 to ?8) is moved first: where that was done
/// already nothing is found. Accounts are locked in the order of their ids, so that two hosts never
/// wait for each other in a circle.
const ACCOUNTS: &str = concat!(
    "WITH fence AS (",
    fence!("?6", "?7", "?4", "?8"),
    "), locked AS (SELECT account.id, service_id, balance, held, warn_at, posting_count, \
     last_posting_id, key FROM account_balance JOIN account ON account.id = account_id \
     WHERE account_id = ANY (ARRAY(",
    account_ids!(),
    ")) ORDER BY account_id FOR UPDATE OF account_balance) \
     SELECT id, service_id, balance, held, warn_at, posting_count, last_posting_id, key, server \
     FROM fence LEFT JOIN locked ON true"
);

/// Holds, with whether each is a call's, and an id for what a group may post of it.
macro_rules! holds {
    ($posting_id:literal) => {
        concat!(
            "SELECT hold.id, hold.account_id, hold.service_id, amount, state, captured, \
             hold.created_at, expires_at, description, call.id IS NOT NULL, ",
            $posting_id,
            " FROM hold LEFT JOIN call ON call.id = hold.id WHERE "
        )
    };
}

/// Those that are named, and then what is due on the same accounts, of which nothing is posted. Nearly
/// always nothing is due at all, which the first condition finds out once.
const HOLDS: &str = concat!(
    holds!("nextval('posting_id_seq')"),
    "hold.id = ANY (?3::bytea[]) UNION ALL ",
    holds!("NULL"),
    "EXISTS (SELECT 1 FROM hold WHERE state = 0 AND expires_at <= ?4) \
     AND state = 0 AND expires_at <= ?4 AND hold.account_id IN (",
    account_ids!(),
    ")"
);

const CALLS: &str = "SELECT id, service_id, credits, fuel_bought, status, account_key, counted_day \
     FROM call WHERE id = ANY (?1::bytea[]) ORDER BY id FOR UPDATE";

/// What accounts spend: those that are named (?1, ?2) today (?3), and those of calls (?4) on the
/// days on which these began. They change with their accounts, which are locked.
const SPENDING: &str = "SELECT service_id, account_key, day, credits FROM spending \
     WHERE (day, service_id, account_key) IN (SELECT ?3::bigint, named.service_id, named.key \
     FROM unnest(?1::bigint[], ?2::bytea[]) AS named (service_id, key) \
     UNION SELECT counted_day, service_id, account_key FROM call \
     WHERE id = ANY (?4::bytea[]) AND counted_day IS NOT NULL)";

const REPLAYS: &str = "SELECT key, fingerprint, answer, at FROM replay \
     WHERE day IN (?2::bigint - 1, ?2) AND key = ANY (?1::bytea[]) ORDER BY at";

const TRIALS: &str = "SELECT asked.service_id, asked.dbuuid \
     FROM unnest(?1::bigint[], ?2::text[]) AS asked (service_id, dbuuid) \
     JOIN service ON service.id = asked.service_id AND trial_credits > 0 \
     JOIN eligible_database ON eligible_database.dbuuid = asked.dbuuid \
     WHERE NOT EXISTS (SELECT 1 FROM trial \
     WHERE trial.service_id = asked.service_id AND trial.dbuuid = asked.dbuuid)";

/// What is asked for, as the server wants it.
struct Arrays<'a> {
    services: Vec<i64>,
    keys: Vec<&'a [u8]>,
    holds: Vec<&'a [u8]>,
    calls: Vec<&'a [u8]>,
    spending_services: Vec<i64>,
    spending_keys: Vec<&'a [u8]>,
    replays: Vec<&'a [u8]>,
    trial_services: Vec<i64>,
    databases: Vec<Cow<'a, str>>,
}

/// What was answered.
struct Answers {
    accounts: Vec<PgRow>,
    holds: Vec<PgRow>,
    calls: Vec<PgRow>,
    spending: Vec<PgRow>,
    replays: Vec<PgRow>,
    trials: Vec<PgRow>,
}

pub(super) fn load(of: &Transaction<'_>, wanted: &Wanted) -> Result<WorkingSet, Error> {
    let asked = Arrays::of(wanted);
    let sent = Clock::local();
    let answers = ask(of, wanted, &asked)?;
    let first = answers.accounts.first().ok_or(Error::FenceLost)?;
    of.clock.learn(sent, Timestamp(Row::Postgres(first).get(8)?));
    fill(&answers, of.now)
}

impl<'a> Arrays<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        Self {
            services: wanted.accounts.iter().map(|(service, _)| service.0).collect(),
            keys: wanted.accounts.iter().map(|(_, key)| &key.0[..]).collect(),
            holds: wanted.holds.iter().map(|id| &id.0.as_bytes()[..]).collect(),
            calls: wanted.calls.iter().map(|id| &id.0.as_bytes()[..]).collect(),
            spending_services: wanted.spending.iter().map(|(service, _)| service.0).collect(),
            spending_keys: wanted.spending.iter().map(|(_, key)| &key.0[..]).collect(),
            replays: wanted.replays.iter().chain(&wanted.requests).map(|key| &key[..]).collect(),
            trial_services: wanted.trials.iter().map(|(service, _)| service.0).collect(),
            databases: wanted.trials.iter().map(|(_, dbuuid)| text::storable(dbuuid)).collect(),
        }
    }
}

fn ask(of: &Transaction<'_>, wanted: &Wanted, asked: &Arrays<'_>) -> Result<Answers, Error> {
    let (db, client) = (of.db, of.db.client());
    let swept_max = i64::from(wanted.swept_max);
    let lease_until = of.lease_until();
    let named: [&(dyn ToSql + Sync); 5] =
        [&asked.services, &asked.keys, &asked.holds, &of.now.0, &swept_max];
    let [services, keys, holds, now, max] = named;
    let fenced: Parameters<'_> =
        &[services, keys, holds, now, max, &of.host.0, &of.batch, &lease_until];
    let today = replay::day(of.now);
    // What nobody asks for is not sent.
    let some = |sql, is_asked: bool| is_asked.then(|| db.statement(sql)).transpose();
    let accounts = some(ACCOUNTS, true)?;
    let holds = some(HOLDS, true)?;
    let calls = some(CALLS, !asked.calls.is_empty())?;
    let is_spent = !asked.calls.is_empty() || !asked.spending_keys.is_empty();
    let spending = some(SPENDING, is_spent)?;
    let replays = some(REPLAYS, !asked.replays.is_empty())?;
    let trials = some(TRIALS, !asked.databases.is_empty())?;
    let called: Parameters<'_> = &[&asked.calls];
    let this_day = Spender::day(of.now);
    let spent: Parameters<'_> =
        &[&asked.spending_services, &asked.spending_keys, &this_day, &asked.calls];
    let repeated: Parameters<'_> = &[&asked.replays, &today];
    let first: Parameters<'_> = &[&asked.trial_services, &asked.databases];
    db.wait(async {
        let (begun, accounts, holds, calls, spending, replays, trials) = tokio::join!(
            biased;
            client.batch_execute("BEGIN"),
            query(client, accounts.as_ref(), fenced),
            query(client, holds.as_ref(), &named),
            query(client, calls.as_ref(), called),
            query(client, spending.as_ref(), spent),
            query(client, replays.as_ref(), repeated),
            query(client, trials.as_ref(), first),
        );
        begun?;
        let (accounts, holds, calls) = (accounts?, holds?, calls?);
        let (spending, replays, trials) = (spending?, replays?, trials?);
        Ok(Answers { accounts, holds, calls, spending, replays, trials })
    })
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn query(
    client: &Client,
    statement: Option<&Statement>,
    parameters: Parameters<'_>,
) -> Result<Vec<PgRow>, tokio_postgres::Error> {
    match statement {
        Some(statement) => client.query(statement, parameters).await,
        None => Ok(Vec::new()),
    }
}

fn fill(answers: &Answers, now: Timestamp) -> Result<WorkingSet, Error> {
    let mut rows = WorkingSet::new(now);
    // Where no account was found there still is a row, of the server's time alone.
    for row in answers.accounts.iter().map(Row::Postgres) {
        if row.get::<Option<i64>>(0)?.is_none() {
            continue;
        }
        let known = row::account(row)?;
        rows.load_name(known.account.service, AccountKey(row.get(7)?), known.account.id);
        rows.load_account(known);
    }
    let mut posting_ids = Vec::new();
    for row in answers.holds.iter().map(Row::Postgres) {
        let (hold, is_call) = (row::hold(row)?, row.get(9)?);
        match row.get(10)? {
            None => rows.load_due(hold, is_call),
            Some(id) => {
                rows.load_hold(hold, is_call);
                posting_ids.push(id);
            }
        }
    }
    rows.load_posting_ids(posting_ids);
    for row in answers.calls.iter().map(Row::Postgres) {
        let (service, account) = (ServiceId(row.get(1)?), AccountKey(row.get(5)?));
        let day: Option<i64> = row.get(6)?;
        let call = KnownCall {
            service,
            credits: row::credits(row, 2)?,
            fuel_bought: row.get(3)?,
            status: row.known(4, CallStatus::parse)?,
            spender: day.map(|day| Spender { service, account, day }),
        };
        rows.load_call(CallId(row::uuid(row, 0)?), call);
    }
    for row in answers.spending.iter().map(Row::Postgres) {
        let (service, account) = (ServiceId(row.get(0)?), AccountKey(row.get(1)?));
        let spender = Spender { service, account, day: row.get(2)? };
        rows.load_spending(spender, row::credits(row, 3)?);
    }
    for row in answers.replays.iter().map(Row::Postgres) {
        rows.load_replay(row.get(0)?, replay::kept(row, 1)?);
    }
    for row in answers.trials.iter().map(Row::Postgres) {
        rows.load_trial(ServiceId(row.get(0)?), &row.get::<String>(1)?);
    }
    Ok(rows)
}
