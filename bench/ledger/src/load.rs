//! The load generator: one thread, so many keep-alive connections, each with one request at a time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::LocalSet;

use crate::connection::Connection;
use crate::figure::Sample;
use crate::process::cpu_us;
use crate::request::Requests;

/// A server that is measured.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// Whom its load pays with, one chosen at random for each request.
    pub(crate) accounts: Rc<[String]>,
    pub(crate) requests: Rc<Requests>,
}

/// What is asked for, until there is nothing more to ask.
trait Work {
    /// Writes the next request; false where there is none.
    fn next(&mut self, into: &mut Vec<u8>) -> bool;
    /// Takes the JSON text of an answer.
    fn answered(&mut self, answer: &str) -> Result<()>;
}

struct Authorizing {
    target: Target,
    until: Instant,
    transactions: Vec<String>,
}

impl Work for Authorizing {
    fn next(&mut self, into: &mut Vec<u8>) -> bool {
        let is_time = Instant::now() < self.until;
        if is_time {
            let account = fastrand::usize(..self.target.accounts.len());
            self.target.requests.authorize(&self.target.accounts[account], into);
        }
        is_time
    }

    fn answered(&mut self, answer: &str) -> Result<()> {
        let result = answer.split_once(r#""result":""#).and_then(|(_, rest)| rest.split_once('"'));
        let (transaction, _) = result.with_context(|| format!("not authorized: {answer}"))?;
        self.transactions.push(transaction.to_owned());
        Ok(())
    }
}

struct Capturing {
    target: Target,
    transactions: std::vec::IntoIter<String>,
}

impl Work for Capturing {
    fn next(&mut self, into: &mut Vec<u8>) -> bool {
        let transaction = self.transactions.next();
        transaction.inspect(|transaction| self.target.requests.capture(transaction, into)).is_some()
    }

    fn answered(&mut self, answer: &str) -> Result<()> {
        let is_done = answer.contains(r#""result":true"#);
        is_done.then_some(()).with_context(|| format!("not captured: {answer}"))
    }
}

/// Authorizes for so long, then captures all that was held: a sample of each.
pub(crate) async fn authorize_then_capture(
    target: &Target,
    connections: usize,
    time: Duration,
) -> Result<[Sample; 2]> {
    let opened = open(target, connections).await?;
    // Only now: a connection may take a second, where its first packet is lost.
    let until = Instant::now() + time;
    let work = Authorizing { target: target.clone(), until, transactions: Vec::new() };
    let (authorized, work) = drive(target, opened, work).await?;
    let transactions = work.transactions.into_iter();
    let work = Capturing { target: target.clone(), transactions };
    let (captured, _) = drive(target, open(target, connections).await?, work).await?;
    Ok([authorized, captured])
}

async fn open(target: &Target, connections: usize) -> Result<Vec<Connection>> {
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(target.address).await?);
    }
    Ok(opened)
}

/// What the connections of a load share.
struct Shared<W> {
    work: W,
    took: Vec<Duration>,
}

/// Has the connections work until nothing is left to do.
async fn drive<W: Work + 'static>(
    target: &Target,
    opened: Vec<Connection>,
    work: W,
) -> Result<(Sample, W)> {
    let shared = Rc::new(RefCell::new(Shared { work, took: Vec::new() }));
    let (cpu_before_us, start) = (cpu_us(target.pid)?, Instant::now());
    let working = LocalSet::new();
    let tasks: Vec<_> = opened
        .into_iter()
        .map(|connection| working.spawn_local(converse(connection, shared.clone())))
        .collect();
    working.await;
    let elapsed = start.elapsed();
    let cpu_us = cpu_us(target.pid)? - cpu_before_us;
    for task in tasks {
        task.await??;
    }
    let shared = Rc::into_inner(shared).context("the connections are done")?.into_inner();
    Ok((Sample::new(shared.took, elapsed, cpu_us), shared.work))
}

/// One request after the other.
async fn converse<W: Work>(
    mut connection: Connection,
    shared: Rc<RefCell<Shared<W>>>,
) -> Result<()> {
    while shared.borrow_mut().work.next(&mut connection.request) {
        let start = Instant::now();
        let answer = connection.send().await?;
        let took = start.elapsed();
        let answer = std::str::from_utf8(answer)?;
        let mut shared = shared.borrow_mut();
        shared.took.push(took);
        shared.work.answered(answer)?;
    }
    Ok(())
}
