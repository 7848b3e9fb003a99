//! What the host's own work costs a guest.

/// What the functions of `charge` cost. Instructions cost what this engine's line says: one fuel
/// each, structure and `nop` free, bulk operations one more for each byte or element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Names these prices on receipts: the engine's line, then a count of our own changes.
    pub version: &'static str,
    /// Fuel for a call of `authorized`, `fuel-remaining`, `capture-at-most` or `progress`.
    pub call_fuel: u64,
    /// Fuel for each byte of a `progress` message, on top.
    pub message_byte_fuel: u64,
}

/// The prices that this host charges.
///
/// A host call takes about as long as 1,000 instructions (0.1 µs), and a byte of a message is
/// checked, copied and cleaned in the time of about 10, so that no guest gets the host's time
/// cheaper than its own.
pub const PRICE_LIST: PriceList = PriceList {
    version: "wasmtime-48/1",
    call_fuel: 1_000,
    message_byte_fuel: 10,
};
