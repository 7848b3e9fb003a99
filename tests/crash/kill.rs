//! The ways in which a cycle ends the host, or its database.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use stokehold_store::FailPoint;
use stokehold_tests::postgres::Down;

/// How often a fail point is passed at the most before the one at which the program ends.
const PASSED_MAX: u32 = 40;
/// The longest that a cycle's load goes on before the kill.
const LOAD_MS_MAX: u64 = 250;

/// How one cycle ends.
#[derive(Clone, Debug)]
pub(crate) enum Kill {
    /// The host, after so long.
    Host(Duration),
    /// The host, by itself, at a point of its program, when it comes there for the so-manieth time.
    FailPoint(FailPoint, u32),
    /// The database server, after so long; the host lives on, and so does the load.
    Postgres(Down, Duration),
}

/// Draws the kills, and counts them.
pub(crate) struct Kills {
    /// Whether the database server is killed, too.
    database: bool,
    fail_points: bool,
    counts: BTreeMap<&'static str, u32>,
}

impl Kills {
    pub(crate) fn new(database: bool, fail_points: bool) -> Self {
        Self { database, fail_points, counts: BTreeMap::new() }
    }

    /// The next cycle's.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> Kill {
        let moment = Duration::from_millis(rng.u64(1..=LOAD_MS_MAX));
        let kill = if self.database && rng.bool() {
            let down = if rng.bool() { Down::Kill } else { Down::Immediate };
            Kill::Postgres(down, moment)
        } else if self.fail_points && rng.bool() {
            let point = FailPoint::ALL[rng.usize(..FailPoint::ALL.len())];
            Kill::FailPoint(point, rng.u32(1..=PASSED_MAX))
        } else {
            Kill::Host(moment)
        };
        self.count(kill.name());
        kill
    }

    /// Notes that the load did not come to a fail point, so that the host was killed from outside.
    pub(crate) fn missed(&mut self) {
        self.count("(not reached)");
    }

    fn count(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }
}

impl Kill {
    fn name(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::FailPoint(point, _) => point.name(),
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
            Self::FailPoint(_, count) => write!(f, "{}:{count}", self.name()),
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
