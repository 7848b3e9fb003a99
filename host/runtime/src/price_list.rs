//! What a guest's work costs, and what the host's work for it costs.

use wasmtime::{OperatorCost, VariableOperatorCost};

/// The prices of one version. Instructions cost what this line of the engine says: one fuel
/// each, structure and `nop` free, bulk operations one more for each byte or element. Only what
/// makes memory and tables grow costs more, see the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Names these prices on receipts: the engine's line, then a count of our own changes.
    pub version: &'static str,
    /// Fuel for a call of `authorized`, `fuel-remaining` or `capture-at-most`.
    pub call_fuel: u64,
    /// Fuel for a call of `progress`.
    pub progress_fuel: u64,
    /// Fuel for each byte of the message of `progress`, on top.
    pub message_byte_fuel: u64,
}

/// The prices that this host charges.
///
/// A host call must not cost less than what a guest could do itself in the same time, or a guest
/// would have the host work for it. Measured on two cores of a 2020s server, where the quickest
/// guest (hashing) burns 36 fuel a nanosecond: 60 to 100 ns for a call, 250 to 350 ns for
/// `progress`, 0.1 to 1 ns for a byte.
pub const PRICE_LIST: PriceList = PriceList {
    version: "wasmtime-48/1",
    call_fuel: 2_500,
    progress_fuel: 10_000,
    message_byte_fuel: 20,
};

/// What the engine charges for instructions.
///
/// `memory.grow` and `table.grow` leave the guest for the host even to grow by nothing: measured
/// 35 ns, a hundred times what a loop of other instructions takes for the same fuel. They cost
/// the most that the engine can express.
pub(crate) fn operator_costs() -> OperatorCost {
    OperatorCost {
        MemoryGrow: u8::MAX,
        TableGrow: u8::MAX,
        variable: VariableOperatorCost {
            memory_grow_per_page: u8::MAX,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    }
}
