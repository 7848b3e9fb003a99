//! What one run may spend.

use std::time::Duration;

/// What one run may spend. Whatever runs out first ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Instructions, as the price list weighs them, host calls and start functions included.
    pub fuel: u64,
    /// All memories and tables together, in bytes. The runtime's own maximum holds as well.
    pub memory_bytes_max: usize,
    /// Wall time, from the moment the run has a place to run in.
    pub deadline: Duration,
    /// The longest text that the guest may hand over: an answer, a failure, a message. Bytes.
    pub output_bytes_max: usize,
    /// What is kept of the log, in bytes.
    pub log_bytes_max: usize,
}
