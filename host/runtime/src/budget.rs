//! What one run may spend, and on what terms.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

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

/// The terms of a paid run.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// What was authorized, in micro-credits.
    pub authorized: u64,
    /// How much of the fuel `fuel-remaining` does not show, so that the guest can end well.
    pub reserve_fuel: u64,
    /// Who hears each line of the log as it is said. The log's limit bounds what waits there.
    pub listener: Option<UnboundedSender<String>>,
}

impl From<u64> for Terms {
    /// So many micro-credits, and nothing else.
    fn from(authorized: u64) -> Self {
        Terms { authorized, ..Terms::default() }
    }
}
