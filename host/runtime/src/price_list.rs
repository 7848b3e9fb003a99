//! What a guest's work costs, and what the host's work for it costs.

use wasmtime::{OperatorCost, VariableOperatorCost};

/// The prices of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Names these prices on receipts: the engine's line, then a count of our own changes.
    pub version: &'static str,
    /// Instructions. What is not named costs 1 fuel.
    pub instructions: &'static [Price],
    /// Calls of the host, in the order of [`HostCall`].
    pub host_calls: &'static [Price],
}

/// What one kind of work costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The work.
    pub name: &'static str,
    /// Fuel for each time.
    pub fuel: u64,
    /// Fuel on top for each unit that is handled.
    pub unit_fuel: u64,
    /// What a unit is, such as a byte; empty where there is none.
    pub unit: &'static str,
}

/// The kinds of calls that a guest can make of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostCall {
    /// `authorized`, `fuel-remaining` and `capture-at-most` of `charge`.
    Charge,
    /// `progress` of `charge`.
    Progress,
    /// `wasi:io`: streams and waiting.
    Io,
    /// `wasi:cli`: standard streams, whose bytes go to the log, and an empty environment.
    Cli,
    /// `wasi:clocks`.
    Clocks,
    /// `wasi:random`.
    Random,
    /// `wasi:filesystem`, which is empty.
    Filesystem,
    /// `wasi:sockets`, which denies everything.
    Sockets,
    /// `wasi:config`.
    Config,
    /// `wasi:logging`.
    Logging,
    /// `wasi:keyvalue`.
    KeyValue,
    /// A key that is set or deleted, on top.
    KeyValueWrite,
    /// `wasi:http`: making a request and reading its answer.
    Http,
    /// A request that is sent, on top.
    HttpRequest,
}

impl HostCall {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = PRICE_LIST.host_calls.len();

    /// What it costs.
    pub fn price(self) -> Price {
        PRICE_LIST.host_calls[self as usize]
    }

    /// What it costs with so many units.
    pub(crate) fn fuel(self, units: usize) -> u64 {
        let price = self.price();
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        price.unit_fuel.saturating_mul(units).saturating_add(price.fuel)
    }
}

const fn price(name: &'static str, fuel: u64) -> Price {
    Price { name, fuel, unit_fuel: 0, unit: "" }
}

const fn price_by(name: &'static str, fuel: u64, unit_fuel: u64, unit: &'static str) -> Price {
    Price { name, fuel, unit_fuel, unit }
}

/// The prices that this host charges.
///
/// A host call must not cost much less than what a guest could do itself in the same time, or a
/// guest would have the host work for it. `cargo xtask bench prices` measures both side by side. On
/// two cores of a 2020s server that others used too, beside a guest that hashes and burns 24 fuel a
/// nanosecond: 150 ns for a call of `charge`, 600 ns for `progress`, 170 to 700 ns for a small call of
/// WASI, 1,000 ns for 100 bytes to the log, 4 ns for a random byte; 25 to 50 us for a value that is
/// read from the store, 70 to 180 us for one that is written where writes share commits, and 0.4 to
/// 1.3 ms where it has 60,000 bytes. Writes pay more than the guest's time is worth in which they are
/// made, up to five times, for the disk is what is scarce. `wasi:filesystem` and `wasi:sockets`, which do nothing, cost what other
/// calls of WASI do, and a request pays for looking a name up and for a TLS handshake: those were
/// reckoned, not measured.
pub const PRICE_LIST: PriceList = PriceList {
    version: "wasmtime-48/3",
    instructions: &[
        price("nop, drop, block, loop, else, end, return, unreachable", 0),
        price("every other instruction, and entering a function", 1),
        price_by("memory.fill, memory.copy, memory.init", 1, 1, "byte"),
        price_by("table.fill, table.copy, table.init", 1, 1, "element"),
        price_by("memory.grow", GROW_FUEL as u64, GROW_FUEL as u64, "page"),
        price_by("table.grow", GROW_FUEL as u64, 1, "element"),
    ],
    host_calls: &[
        price("charge", 2_500),
        price_by("charge.progress", 10_000, 20, "byte"),
        price("wasi:io", 15_000),
        price_by("wasi:cli", 10_000, 20, "byte"),
        price("wasi:clocks", 10_000),
        price_by("wasi:random", 10_000, 100, "byte"),
        price("wasi:filesystem", 10_000),
        price("wasi:sockets", 10_000),
        price("wasi:config", 10_000),
        price_by("wasi:logging", 15_000, 20, "byte"),
        price_by("wasi:keyvalue", 750_000, 20, "byte"),
        price_by("wasi:keyvalue write", 3_000_000, 500, "byte"),
        price("wasi:http", 10_000),
        price_by("wasi:http request", 20_000_000, 100, "byte"),
    ],
};

/// `memory.grow` and `table.grow` leave the guest for the host even to grow by nothing: measured
/// 35 ns, a hundred times what a loop of other instructions takes for the same fuel. They cost
/// the most that the engine can express.
const GROW_FUEL: u8 = u8::MAX;

/// What the engine charges for instructions.
pub(crate) fn operator_costs() -> OperatorCost {
    OperatorCost {
        MemoryGrow: GROW_FUEL,
        TableGrow: GROW_FUEL,
        variable: VariableOperatorCost {
            memory_grow_per_page: GROW_FUEL,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    }
}

#[cfg(test)]
mod tests {
    use super::HostCall;

    #[test]
    fn each_call_has_its_own_price() {
        for (call, name) in [
            (HostCall::Charge, "charge"),
            (HostCall::Progress, "charge.progress"),
            (HostCall::Sockets, "wasi:sockets"),
            (HostCall::KeyValueWrite, "wasi:keyvalue write"),
            (HostCall::HttpRequest, "wasi:http request"),
        ] {
            assert_eq!(call.price().name, name);
        }
        assert_eq!(HostCall::HttpRequest as usize + 1, HostCall::COUNT);
        assert_eq!(HostCall::Progress.fuel(4), 10_080);
    }
}
