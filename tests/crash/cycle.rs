//! One cycle: load, a kill in the middle of it, a new start, and the comparison.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use stokehold_ledger::AccountToken;

use crate::check::check;
use crate::journal::Journal;
use crate::kill::{Kill, Kills};
use crate::load::Worker;
use crate::retry::retry;
use crate::seen::{Open, Seen, open_holds};
use crate::subject::Subject;

/// How many clients there are at once.
const CLIENTS: u32 = 8;
/// How long to wait for a fail point that may never be reached, as where accounts ran dry.
const FAIL_POINT_WAIT: Duration = Duration::from_secs(2);

/// What came of a cycle.
pub(crate) struct Outcome {
    pub(crate) kill: Kill,
    pub(crate) operations: u64,
    pub(crate) violations: Vec<String>,
}

/// Runs one.
pub(crate) fn run(subject: &mut Subject, number: u32, rng: &mut Rng, kills: &mut Kills) -> Outcome {
    let kill = kills.next(rng);
    let journals = if starts_for(&kill, subject) {
        load(subject, (number, rng), &kill, kills)
    } else {
        subject.start();
        Vec::new()
    };
    let (mut violations, mut operations) = (Vec::new(), 0);
    let mut whole = Journal::default();
    for journal in &journals {
        violations.extend_from_slice(&journal.contradictions);
        operations += journal.requests;
        whole.merge(journal.clone());
    }
    violations.extend(compare(subject, &whole, false));
    let (retried, wrong) = retried(subject, journals);
    violations.extend(wrong);
    violations.extend(compare(subject, &retried, true));
    violations.extend(subject.verify());
    Outcome { kill, operations, violations }
}

/// Has the host ready for a kill. False where it comes to its fail point before it listens: a crash
/// in the middle of a start, and of the recovery from the crash before.
fn starts_for(kill: &Kill, subject: &mut Subject) -> bool {
    if !matches!(kill, Kill::FailPoint(..)) {
        return true;
    }
    subject.kill();
    subject.start_until(&kill.to_string())
}

/// Has the clients work until the host or its database is killed, and brings it up again.
fn load(
    subject: &mut Subject,
    (number, rng): (u32, &mut Rng),
    kill: &Kill,
    kills: &mut Kills,
) -> Vec<Journal> {
    let stop = AtomicBool::new(false);
    let (working, done) = channel::<()>();
    thread::scope(|scope| {
        let started: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (working, stop) = (working.clone(), &stop);
                let worker = Worker {
                    caller: subject.caller(),
                    rng: rng.fork(),
                    name: format!("{number}-{client}"),
                    accounts: [format!("own-{number}-{client}"), format!("shared-{number}")],
                    journal: Journal::default(),
                };
                scope.spawn(move || {
                    let journal = worker.work(stop);
                    drop(working);
                    journal
                })
            })
            .collect();
        drop(working);
        // Nobody sends anything: this ends at the moment, or once all clients are cut off.
        let wait = |time| done.recv_timeout(time).err().unwrap_or(RecvTimeoutError::Timeout);
        match kill {
            Kill::Host(moment) => {
                wait(*moment);
                subject.kill();
            }
            Kill::FailPoint(..) => {
                if wait(FAIL_POINT_WAIT) == RecvTimeoutError::Timeout {
                    kills.missed();
                }
                subject.kill();
            }
            Kill::Postgres(down, moment) => {
                wait(*moment);
                let postgres = subject.postgres.as_mut().expect("there is a server");
                postgres.down(*down);
                postgres.up();
                subject.await_ready();
                wait(*moment);
            }
        }
        stop.store(true, Ordering::Relaxed);
        let journals = started.into_iter().map(|client| client.join().expect("a client ends"));
        let journals = journals.collect();
        if !matches!(kill, Kill::Postgres(..)) {
            subject.start();
        }
        journals
    })
}

/// Each client repeats what it did; all of them at once.
fn retried(subject: &Subject, journals: Vec<Journal>) -> (Journal, Vec<String>) {
    thread::scope(|scope| {
        let started: Vec<_> = journals
            .into_iter()
            .map(|mut journal| {
                let mut caller = subject.caller();
                scope.spawn(move || {
                    let wrong = retry(&mut caller, &mut journal);
                    (journal, wrong)
                })
            })
            .collect();
        let (mut whole, mut violations) = (Journal::default(), Vec::new());
        for client in started {
            let (journal, wrong) = client.join().expect("a client ends");
            whole.merge(journal);
            violations.extend(wrong);
        }
        (whole, violations)
    })
}

/// Compares what clients know with what the host shows. Where all is `settled`, nothing is open.
fn compare(subject: &Subject, journal: &Journal, settled: bool) -> Vec<String> {
    let operator = subject.caller().operator;
    let mut open: HashMap<String, Vec<Open>> = HashMap::new();
    for (account, hold) in open_holds(&operator) {
        open.entry(account).or_default().push(hold);
    }
    let mut wrong = Vec::new();
    for account in journal.accounts() {
        let token: AccountToken = account.parse().expect("an account token");
        let open = open.remove(&token.key().to_string()).unwrap_or_default();
        let seen = Seen::read(&operator, &account, open);
        wrong.extend(check(&account, &journal.of(&account), &seen));
        if settled {
            wrong.extend(seen.open.iter().map(|open| format!("{open:?} is still open")));
        }
    }
    wrong.extend(open.into_values().flatten().map(|open| format!("{open:?} is nobody's")));
    wrong
}
