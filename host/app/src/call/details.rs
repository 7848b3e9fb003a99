//! What a host has seen of a call beside its record.

use std::mem;

use serde_json::{Map, json};
use stokehold_runtime::{HostCalls, Profile, Run};

/// What a host has seen of a call beside its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What the guest had its host do, and what that cost.
    pub host_calls: Vec<HostCalls>,
    /// Whether the same call would burn the same fuel again.
    pub is_repeatable: bool,
    /// Where its fuel went, where the settings ask for it.
    pub profile: Option<Profile>,
}

impl Details {
    pub(super) fn take(run: &mut Run<String>) -> Self {
        Self {
            is_repeatable: run.is_repeatable(),
            host_calls: mem::take(&mut run.host_calls),
            profile: run.profile.take(),
        }
    }

    /// The host calls as the record and the receipt have them: for each kind, how many and their
    /// fuel.
    pub(super) fn host_calls_json(&self) -> String {
        let kind = |kind: &HostCalls| {
            (kind.name.to_owned(), json!({ "calls": kind.calls, "fuel": kind.fuel }))
        };
        serde_json::Value::Object(self.host_calls.iter().map(kind).collect::<Map<_, _>>())
            .to_string()
    }
}
