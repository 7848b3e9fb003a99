//! Load over HTTP: so many keep-alive connections on one thread, one request at a time in each.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use serde_json::Value;

use crate::connection::Connection;
use crate::figure::percentile_us;

/// Who asks for what.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// No request begins after it.
    pub(crate) until: Instant,
    /// How long each connection waits after an answer.
    pub(crate) pause: Duration,
    /// The request of this number.
    pub(crate) request: &'a dyn Fn(u64) -> Vec<u8>,
    /// What stands in each good answer.
    pub(crate) good: &'static str,
}

/// What came of it.
pub(crate) struct Answers {
    took: Vec<Duration>,
    elapsed: Duration,
}

impl Answers {
    pub(crate) fn count(&self) -> usize {
        self.took.len()
    }

    pub(crate) fn per_s(&self) -> f64 {
        let count = u32::try_from(self.took.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.elapsed.as_secs_f64()
    }

    /// How long the quickest `percent` of a hundred took at the most, in microseconds.
    pub(crate) fn percentile_us(&mut self, percent: usize) -> f64 {
        percentile_us(&mut self.took, percent)
    }
}

impl Load<'_> {
    /// Asks until it is time, on this thread.
    pub(crate) fn run(&self) -> Result<Answers> {
        self.run_so_many(u64::MAX)
    }

    /// The same, with so many requests at the most.
    pub(crate) fn run_so_many(&self, requests: u64) -> Result<Answers> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut opened = Vec::new();
            for _ in 0..self.connections {
                opened.push(Connection::open(self.address).await?);
            }
            let (number, took) = (Cell::new(0), RefCell::new(Vec::new()));
            let start = Instant::now();
            let asking = opened
                .into_iter()
                .map(|connection| self.converse(connection, (&number, requests), &took));
            let asked = join_all(asking).await;
            asked.into_iter().collect::<Result<()>>()?;
            Ok(Answers { took: took.take(), elapsed: start.elapsed() })
        })
    }

    async fn converse(
        &self,
        mut connection: Connection,
        (next, end): (&Cell<u64>, u64),
        took: &RefCell<Vec<Duration>>,
    ) -> Result<()> {
        while Instant::now() < self.until && next.get() < end {
            let number = next.replace(next.get() + 1);
            connection.request = (self.request)(number);
            let start = Instant::now();
            let answer = connection.send().await?;
            took.borrow_mut().push(start.elapsed());
            let answer = std::str::from_utf8(answer)?;
            ensure!(answer.contains(self.good), "not as it should be: {answer}");
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
        }
        Ok(())
    }
}

/// Where a server listens.
pub(crate) fn address(url: &str) -> Result<SocketAddr> {
    Ok(url.strip_prefix("http://").context("an address")?.parse()?)
}

/// A JSON-RPC request.
pub(crate) fn rpc(path: &str, params: &Value, id: u64) -> Vec<u8> {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"call","params":{params},"id":{id}}}"#);
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}
