//! What a host has seen of a call beside its record.

use std::collections::BTreeMap;
use std::mem;

use serde_json::value::RawValue;
use serde_json::{Map, json};
use stokehold_runtime::{HostCalls, Profile, Run, is_changeable};
use stokehold_store::CallRecord;

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

/// Whether the call that a record is of would burn the same fuel again, and answer the same. `None`
/// where that is not known: it has not ended, or its guest was not measured to its end.
pub fn is_repeatable(call: &CallRecord) -> Option<bool> {
    let kinds: BTreeMap<&str, &RawValue> = serde_json::from_str(&call.host_calls).ok()?;
    let outcome = call.outcome.as_deref().filter(|_| call.fuel_used > 0)?;
    let ended_by_time = ["deadline", "host-fault"].contains(&outcome);
    Some(!ended_by_time && !kinds.keys().any(|name| is_changeable(name)))
}
