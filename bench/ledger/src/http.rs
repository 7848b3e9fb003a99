//! The server beside a bare handler, in turns: the same requests, the same threads, the same client.

use std::rc::Rc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stokehold_tests::again::Again;
use stokehold_tests::server::Server;

use crate::disk::Disk;
use crate::figure::{Sample, median_ratio, median_sample};
use crate::load::{Target, authorize_then_capture};
use crate::report::{Section, round};
use crate::request::Requests;
use crate::{Plan, say};

/// Connections, where nothing else is asked for.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// How many accounts are many.
const ACCOUNTS: usize = 1_000;
/// What each account gets, in credits: more than any benchmark takes.
const CREDITS: u32 = 10_000_000;
const SERVICE: &str = "bench";
const OPERATIONS: [&str; 2] = ["authorize", "capture"];

const COLUMNS: &[&str] = &[
    "operation",
    "accounts",
    "connections",
    "per_s",
    "bare_per_s",
    "ratio",
    "p50_us",
    "p99_us",
    "bare_p50_us",
    "bare_p99_us",
    "p99_bound_us",
    "cpu_us",
    "bare_cpu_us",
];

/// The three that take turns: the bare handler, the server on many accounts, the server on one.
struct Subjects {
    bare: Target,
    many: Target,
    hot: Target,
}

/// The samples of one number of connections, a list for each subject and operation.
#[derive(Default)]
struct Samples {
    bare: [Vec<Sample>; 2],
    many: [Vec<Sample>; 2],
    hot: [Vec<Sample>; 2],
}

/// Measures the server as it is in production: on a disk, with accounts that were given credits.
pub(crate) fn measure(plan: &Plan<'_>) -> Result<Section> {
    let server = Server::start(&plan.directory.join("http"), &[], &[]);
    let bare = Again::start("bare")?;
    let subjects = Subjects::new(&server, &bare)?;
    // One thread: a client that needs more of the machine than it must would measure itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut disk = Disk::default();
    let mut rows = Vec::new();
    for connections in plan.at(&CONNECTIONS) {
        let mut samples = Samples::default();
        for number in 0..plan.rounds {
            say(&format!("http, {connections} connections, round {}", number + 1));
            disk.measure(plan.directory)?;
            runtime.block_on(samples.round(plan, &subjects, connections, number % 2 == 1))?;
        }
        rows.extend(samples.rows(connections, disk.percentile_us(99)));
    }
    stokehold_tests::server::assert_clean(&plan.directory.join("http"));
    Ok(Section { name: "http", columns: COLUMNS, rows })
}

impl Subjects {
    fn new(server: &Server, bare: &Again) -> Result<Self> {
        let key = server.register(SERVICE);
        let approve = format!("/api/v1/services/{SERVICE}/approve");
        server.operator().send("POST", &approve, None).expect(200);
        let accounts: Rc<[String]> = (0..ACCOUNTS).map(|number| format!("{number:032x}")).collect();
        for account in accounts.iter() {
            server.grant(SERVICE, account, &json!(CREDITS));
        }
        let requests = Rc::new(Requests::new(&key, 1));
        let address = server.address.strip_prefix("http://").context("an address")?.parse()?;
        let hot = Rc::from([accounts[0].clone()]);
        let many = Target { address, pid: server.pid(), accounts, requests };
        let hot = Target { accounts: hot, ..many.clone() };
        let bare = Target { address: bare.address, pid: bare.pid(), ..many.clone() };
        Ok(Self { bare, many, hot })
    }
}

impl Samples {
    /// One sample of each subject; every other round the other way round, so that what slowly
    /// changes on the machine favours nobody.
    async fn round(
        &mut self,
        plan: &Plan<'_>,
        subjects: &Subjects,
        connections: usize,
        backwards: bool,
    ) -> Result<()> {
        let mut turns = [
            (&subjects.bare, &mut self.bare),
            (&subjects.many, &mut self.many),
            (&subjects.hot, &mut self.hot),
        ];
        if backwards {
            turns.reverse();
        }
        for (target, samples) in turns {
            let measured = authorize_then_capture(target, connections, plan.sample()).await?;
            for (samples, sample) in samples.iter_mut().zip(measured) {
                samples.push(sample);
            }
        }
        Ok(())
    }

    fn rows(&self, connections: usize, fsync_p99_us: f64) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for (operation, name) in OPERATIONS.iter().enumerate() {
            for (accounts, ours) in [("many", &self.many[operation]), ("one", &self.hot[operation])]
            {
                let theirs = &self.bare[operation];
                let (our, their) = (median_sample(ours), median_sample(theirs));
                rows.push(vec![
                    json!(name),
                    json!(accounts),
                    json!(connections),
                    round(our.per_s, 0),
                    round(their.per_s, 0),
                    round(median_ratio(ours, theirs), 3),
                    round(our.p50_us, 0),
                    round(our.p99_us, 0),
                    round(their.p50_us, 0),
                    round(their.p99_us, 0),
                    round(4.0 * fsync_p99_us + their.p99_us, 0),
                    round(our.cpu_us, 1),
                    round(their.cpu_us, 1),
                ]);
            }
        }
        rows
    }
}
