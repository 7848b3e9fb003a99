//! Whether a large ledger is as quick as a small one: the two take turns.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stokehold_store::Audit;

use crate::figure::{Sample, median_ratio, median_sample};
use crate::report::{Section, round};
use crate::subject::Subject;
use crate::swarm::{Operation, Until, work};
use crate::{Plan, say};

/// Accounts, and holds of which every other one is still open: of the small ledger and of the large.
const SIZES: [(usize, usize); 2] = [(1_000, 1_000), (100_000, 1_000_000)];
/// Operations in flight while holds are made that nobody measures.
const FILLING: usize = 1_024;
/// Operations in flight, where nothing else is asked for.
const IN_FLIGHT: [usize; 2] = [1, 64];
const OPERATIONS: [&str; 2] = ["authorize", "balance"];

const COLUMNS: &[&str] = &[
    "operation",
    "in_flight",
    "small_per_s",
    "large_per_s",
    "ratio",
    "small_p50_us",
    "large_p50_us",
    "small_p99_us",
    "large_p99_us",
    "small_cpu_us",
    "large_cpu_us",
];

/// Fills two ledgers, measures both, and checks the large one.
pub(crate) fn measure(plan: &Plan<'_>) -> Result<[Section; 2]> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut subjects = Vec::new();
        let directory = |holds| plan.directory.join(format!("scale-{holds}"));
        for (accounts, holds) in SIZES {
            say(&format!("scale, making {accounts} accounts and {holds} holds"));
            let directory = directory(holds);
            subjects.push(filled(Subject::new(&directory, accounts).await?, holds).await?);
        }
        let mut rows = Vec::new();
        for in_flight in plan.at(&IN_FLIGHT) {
            rows.extend(at(plan, &subjects, in_flight).await?);
        }
        let scale = Section { name: "scale", columns: COLUMNS, rows };
        Ok([scale, verify(plan, &directory(SIZES[1].1))?])
    })
}

/// How long it takes to check every invariant of a ledger, as `ledger verify` does it beside a
/// server.
fn verify(plan: &Plan<'_>, directory: &Path) -> Result<Section> {
    let ledger = Audit::open(directory)?;
    let mut seconds = Vec::new();
    for number in 0..plan.rounds {
        say(&format!("verify, round {}", number + 1));
        let start = Instant::now();
        let findings = ledger.verify()?;
        seconds.push(start.elapsed().as_secs_f64());
        ensure!(findings.is_empty(), "the ledger is not in order: {findings:?}");
    }
    seconds.sort_by(f64::total_cmp);
    let [accounts, holds, postings] = ledger.counts()?;
    // A capture posts two entries.
    let row =
        vec![json!(accounts), json!(holds), json!(postings), round(seconds[seconds.len() / 2], 2)];
    Ok(Section {
        name: "verify",
        columns: &["accounts", "holds", "postings", "s"],
        rows: vec![row],
    })
}

async fn filled(subject: Arc<Subject>, holds: usize) -> Result<Arc<Subject>> {
    let authorize = Operation::Authorize { accounts: subject.accounts.len(), repeat: false };
    let (_, mut made) = work(&subject, FILLING, authorize, Until::made(holds)).await?;
    made.truncate(holds / 2);
    work(&subject, FILLING, Operation::Capture, Until::ended(made)).await?;
    Ok(subject)
}

async fn at(
    plan: &Plan<'_>,
    subjects: &[Arc<Subject>],
    in_flight: usize,
) -> Result<Vec<Vec<Value>>> {
    let mut samples: [[Vec<Sample>; 2]; 2] = Default::default();
    for number in 0..plan.rounds {
        say(&format!("scale, {in_flight} in flight, round {}", number + 1));
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let authorize =
                Operation::Authorize { accounts: subject.accounts.len(), repeat: false };
            let time = || Until::after(plan.sample());
            let (authorized, holds) = work(subject, in_flight, authorize, time()).await?;
            // The ledgers keep their sizes.
            work(subject, FILLING, Operation::Cancel, Until::ended(holds)).await?;
            let (read, _) = work(subject, in_flight, Operation::Balance, time()).await?;
            samples[0].push(authorized);
            samples[1].push(read);
        }
    }
    let [small, large] = samples;
    let rows = OPERATIONS.into_iter().zip(small.iter().zip(&large));
    Ok(rows.map(|(name, (small, large))| row(name, in_flight, small, large)).collect())
}

fn row(name: &str, in_flight: usize, small: &[Sample], large: &[Sample]) -> Vec<Value> {
    let ratio = median_ratio(large, small);
    let (small, large) = (median_sample(small), median_sample(large));
    vec![
        json!(name),
        json!(in_flight),
        round(small.per_s, 0),
        round(large.per_s, 0),
        round(ratio, 3),
        round(small.p50_us, 0),
        round(large.p50_us, 0),
        round(small.p99_us, 0),
        round(large.p99_us, 0),
        round(small.cpu_us, 1),
        round(large.cpu_us, 1),
    ]
}
