//! The store alone: operations a second, and the CPU time of one, by how many are in flight.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::figure::{Sample, median_sample};
use crate::report::{Section, round};
use crate::subject::Subject;
use crate::swarm::{Operation, Until, work};
use crate::{Plan, say};

/// Operations in flight, where nothing else is asked for.
const IN_FLIGHT: [usize; 5] = [1, 16, 64, 256, 1_024];
/// How many accounts are many.
const ACCOUNTS: usize = 1_000;
/// The four operations of a round; an authorize that could be repeated is what HTTP brings.
const OPERATIONS: [&str; 4] = ["authorize", "capture", "authorize, repeatable", "cancel"];

const COLUMNS: &[&str] =
    &["operation", "accounts", "in_flight", "per_s", "cpu_us", "p50_us", "p99_us"];

/// Measures SQLite on a disk.
pub(crate) fn measure(plan: &Plan<'_>) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let subject = Subject::new(&plan.directory.join("in-process"), ACCOUNTS).await?;
        let mut rows = Vec::new();
        for in_flight in plan.at(&IN_FLIGHT) {
            rows.extend(at(plan, &subject, in_flight).await?);
        }
        Ok(Section { name: "in_process", columns: COLUMNS, rows })
    })
}

/// Many accounts and one take turns.
async fn at(plan: &Plan<'_>, subject: &Arc<Subject>, in_flight: usize) -> Result<Vec<Vec<Value>>> {
    let spreads = [("many", ACCOUNTS), ("one", 1)];
    let mut samples: [[Vec<Sample>; 4]; 2] = Default::default();
    for number in 0..plan.rounds {
        say(&format!("in process, {in_flight} in flight, round {}", number + 1));
        for (samples, (_, accounts)) in samples.iter_mut().zip(spreads) {
            let measured = sample(plan, subject, in_flight, accounts).await?;
            for (samples, sample) in samples.iter_mut().zip(measured) {
                samples.push(sample);
            }
        }
    }
    let mut rows = Vec::new();
    for (operation, name) in OPERATIONS.into_iter().enumerate() {
        for (samples, (accounts, _)) in samples.iter().zip(spreads) {
            let sample = median_sample(&samples[operation]);
            rows.push(vec![
                json!(name),
                json!(accounts),
                json!(in_flight),
                round(sample.per_s, 0),
                round(sample.cpu_us, 1),
                round(sample.p50_us, 0),
                round(sample.p99_us, 0),
            ]);
        }
    }
    Ok(rows)
}

/// A sample of each operation. What is held is ended: half captured, half cancelled.
async fn sample(
    plan: &Plan<'_>,
    subject: &Arc<Subject>,
    in_flight: usize,
    accounts: usize,
) -> Result<[Sample; 4]> {
    let authorize = |repeat| Operation::Authorize { accounts, repeat };
    let time = || Until::after(plan.sample());
    let (authorized, holds) = work(subject, in_flight, authorize(false), time()).await?;
    let (captured, _) = work(subject, in_flight, Operation::Capture, Until::ended(holds)).await?;
    let (repeatable, holds) = work(subject, in_flight, authorize(true), time()).await?;
    let (cancelled, _) = work(subject, in_flight, Operation::Cancel, Until::ended(holds)).await?;
    Ok([authorized, captured, repeatable, cancelled])
}
