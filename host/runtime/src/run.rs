//! How a run ended and what it used.

use std::time::Duration;

use crate::Failure;
use crate::bill::HostCalls;
use crate::price_list::HostCall;
use crate::profile::Profile;
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
    /// What the guest said: of its progress, to its standard streams and to the log, a line each.
    pub log: Vec<String>,
    /// What the guest had its host do, and what that cost.
    pub host_calls: Vec<HostCalls>,
    /// Where its fuel went, where the runtime's settings ask for it.
    pub profile: Option<Profile>,
}

/// Calls whose answers are not the same each time.
const CHANGEABLE: [HostCall; 4] =
    [HostCall::Clocks, HostCall::Random, HostCall::KeyValue, HostCall::HttpRequest];

/// Whether the answers to a kind of host call, by its name on the price list, are not the same each
/// time: they come from a clock, chance, stored values or another host.
pub fn is_changeable(name: &str) -> bool {
    CHANGEABLE.iter().any(|call| call.price().name == name)
}

impl<T> Run<T> {
    /// Whether the same component, request and budget give the same run again: the guest has asked
    /// for nothing that changes, and no clock has ended it.
    pub fn is_repeatable(&self) -> bool {
        let ended_by_time =
            matches!(self.end, End::Stopped(Stop::Deadline { .. } | Stop::HostFault(_)));
        !ended_by_time && !self.host_calls.iter().any(|calls| is_changeable(calls.name))
    }

    /// A run that the host broke before it could be measured.
    pub(crate) fn broken(reason: String) -> Self {
        Run {
            end: End::Stopped(Stop::HostFault(reason)),
            fuel_used: 0,
            memory_peak_bytes: 0,
            elapsed: Duration::ZERO,
            capture_at_most: None,
            log: Vec::new(),
            host_calls: Vec::new(),
            profile: None,
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
