//! How a run ended and what it used.

use std::time::Duration;

use crate::Failure;
use crate::stop::Stop;

/// One run: how it ended, and what it used until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<T> {
    /// How it ended.
    pub end: End<T>,
    /// Fuel used, never more than the budget. Exact and repeatable for an answer or a failure;
    /// "at least" after a trap, which may come before the engine has counted its last steps.
    pub fuel_used: u64,
    /// The most that all memories and tables took together, in bytes.
    pub memory_peak_bytes: usize,
    /// Wall time, without the wait for a place to run in.
    pub elapsed: Duration,
    /// The lowest amount that the guest said to capture at most, if it said one.
    pub capture_at_most: Option<u64>,
    /// What the guest said of its progress, a line each.
    pub log: Vec<String>,
}

impl<T> Run<T> {
    /// A run that the host broke before it could be measured.
    pub(crate) fn broken(reason: String) -> Self {
        Run {
            end: End::Stopped(Stop::HostFault(reason)),
            fuel_used: 0,
            memory_peak_bytes: 0,
            elapsed: Duration::ZERO,
            capture_at_most: None,
            log: Vec::new(),
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End<T> {
    /// The guest answered.
    Answered(T),
    /// The guest said why it does not answer.
    Failed(Failure),
    /// The host stopped the guest, or could not run it.
    Stopped(Stop),
}
