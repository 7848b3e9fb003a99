//! The ways in which a cycle ends the host, or its database.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use stokehold_tests::postgres::Down;

use crate::Kind;

/// Points at which the program kills itself where it was built to.
const FAIL_POINTS: [&str; 4] =
    ["before-commit", "after-commit", "between-hold-and-guest", "between-guest-and-capture"];
/// How often a fail point is passed at the most before the one at which the program ends.
const PASSED_MAX: u32 = 40;
/// The longest that a cycle's load goes on before the kill.
const LOAD_MS_MAX: u64 = 250;

/// How one cycle ends.
#[derive(Clone, Debug)]
pub(crate) enum Kill {
    /// The host, after so long.
    Host(Duration),
    /// The host, by itself, at a point of its program: `name:count`.
    FailPoint(String),
    /// The database server, after so long; the host lives on, and so does the load.
    Postgres(Down, Duration),
}

/// Draws the kills, and counts them.
pub(crate) struct Kills {
    kind: Kind,
    fail_points: bool,
    counts: BTreeMap<String, u32>,
}

impl Kills {
    pub(crate) fn new(kind: Kind, fail_points: bool) -> Self {
        Self { kind, fail_points, counts: BTreeMap::new() }
    }

    /// The next cycle's.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> Kill {
        let moment = Duration::from_millis(rng.u64(1..=LOAD_MS_MAX));
        let kill = if self.kind == Kind::Postgres && rng.bool() {
            let down = if rng.bool() { Down::Kill } else { Down::Immediate };
            Kill::Postgres(down, moment)
        } else if self.fail_points && rng.bool() {
            let point = FAIL_POINTS[rng.usize(..FAIL_POINTS.len())];
            Kill::FailPoint(format!("{point}:{}", rng.u32(1..=PASSED_MAX)))
        } else {
            Kill::Host(moment)
        };
        *self.counts.entry(kill.name().to_owned()).or_default() += 1;
        kill
    }
}

impl Kill {
    fn name(&self) -> &str {
        match self {
            Self::Host(_) => "host",
            Self::FailPoint(point) => point.split(':').next().unwrap_or(point),
            Self::Postgres(Down::Kill, _) => "postgres-kill",
            Self::Postgres(Down::Immediate, _) => "postgres-immediate",
        }
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(moment) | Self::Postgres(_, moment) => {
                write!(f, "{} after {} ms", self.name(), moment.as_millis())
            }
            Self::FailPoint(point) => f.write_str(point),
        }
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> =
            self.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        f.write_str(&counts.join(", "))
    }
}
