//! The store on PostgreSQL beside pgbench with hand-written functions, on one server.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use stokehold_tests::postgres::Postgres;
use tokio::runtime::{Builder, Runtime};

use crate::figure::median;
use crate::pgbench::{Pgbench, output};
use crate::report::{Section, round};
use crate::subject::Subject;
use crate::swarm::{Operation, Until, work};
use crate::{Plan, say};

/// Pairs in flight, where nothing else is asked for.
const IN_FLIGHT: [usize; 4] = [16, 64, 256, 1_024];
/// Clients of pgbench at once.
const CLIENTS: usize = 16;
/// How many accounts are many: those of `schema.sql`.
const ACCOUNTS: usize = 1_000;
const SPREADS: [(&str, usize); 2] = [("many", ACCOUNTS), ("one", 1)];

const COLUMNS: &[&str] = &["what", "accounts", "in_flight", "pairs_per_s", "ratio"];

/// Who makes pairs.
#[derive(Clone, Copy)]
enum Side {
    Pgbench,
    /// The store, in process, with so many in flight; an authorize that could be repeated is what
    /// HTTP brings.
    Store {
        in_flight: usize,
        repeat: bool,
    },
}

/// What is measured.
struct Sides<'a> {
    pgbench: Pgbench<'a>,
    runtime: Runtime,
    subject: Arc<Subject>,
}

/// Measures a server of its own, in a temporary directory.
pub(crate) fn measure(plan: &Plan<'_>) -> Result<Section> {
    let server = Postgres::start();
    output(server.client("createdb").arg("stokehold"))?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let url = server.url().replace("/postgres", "/stokehold");
    let subject = runtime.block_on(Subject::connect(url, ACCOUNTS))?;
    let measured = Sides { pgbench: Pgbench::on(&server)?, runtime, subject };
    let store = |in_flight| [false, true].map(|repeat| Side::Store { in_flight, repeat });
    let ours = plan.at(&IN_FLIGHT).into_iter().flat_map(store);
    let sides: Vec<_> = [Side::Pgbench].into_iter().chain(ours).collect();
    let mut rows = Vec::new();
    for (name, accounts) in SPREADS {
        let rates = measured.rates(plan, &sides, accounts)?;
        for (side, of_side) in sides.iter().zip(&rates) {
            let ratio = median(of_side.iter().zip(&rates[0]).map(|(our, their)| our / their));
            let rate = median(of_side.iter().copied());
            rows.push(vec![
                json!(side.name()),
                json!(name),
                json!(side.in_flight()),
                round(rate, 0),
                round(ratio, 2),
            ]);
        }
    }
    Ok(Section { name: "postgres", columns: COLUMNS, rows })
}

impl Sides<'_> {
    /// Pairs a second of each side in each round; every other round in the other order.
    fn rates(&self, plan: &Plan<'_>, sides: &[Side], accounts: usize) -> Result<Vec<Vec<f64>>> {
        let mut rates = vec![Vec::new(); sides.len()];
        for number in 0..plan.rounds {
            say(&format!("postgres, {accounts} accounts, round {}", number + 1));
            let mut turns: Vec<_> = sides.iter().zip(&mut rates).collect();
            if number % 2 == 1 {
                turns.reverse();
            }
            for (side, rates) in turns {
                rates.push(self.pairs_per_s(plan, *side, accounts)?);
            }
        }
        Ok(rates)
    }

    fn pairs_per_s(&self, plan: &Plan<'_>, side: Side, accounts: usize) -> Result<f64> {
        let Side::Store { in_flight, repeat } = side else {
            return self.pgbench.pairs_per_s(CLIENTS, accounts, plan.seconds);
        };
        let pair = Operation::Pair { accounts, repeat };
        let working = work(&self.subject, in_flight, pair, Until::after(plan.sample()));
        Ok(self.runtime.block_on(working)?.0.per_s)
    }
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench",
            Self::Store { repeat: false, .. } => "stokehold",
            Self::Store { repeat: true, .. } => "stokehold, repeatable",
        }
    }

    fn in_flight(self) -> usize {
        match self {
            Self::Pgbench => CLIENTS,
            Self::Store { in_flight, .. } => in_flight,
        }
    }
}
