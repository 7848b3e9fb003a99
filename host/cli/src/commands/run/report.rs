//! How a call went: for people, and as JSON.

use serde_json::{Value, json};
use stokehold_app::types::{Stop, is_changeable};
use stokehold_app::{Call, CallFailure};

use crate::failure::Failure;
use crate::output;

/// How one call went.
pub(super) type Outcome = Result<Call, CallFailure>;

/// The class of an outcome.
pub(super) fn class(outcome: &Outcome) -> &str {
    match outcome {
        Ok(Call { outcome: Ok(_), .. }) => "ok",
        Ok(Call { outcome: Err(failure), .. }) | Err(failure) => failure.class(),
    }
}

/// What the host was asked for whose answers are not the same each time.
pub(super) fn changeable(call: &Call) -> Vec<&'static str> {
    let names = call.details.host_calls.iter().map(|kind| kind.name);
    names.filter(|name| is_changeable(name)).collect()
}

/// What `--json` prints of a call.
pub(super) fn as_json(outcome: &Outcome) -> Value {
    let call = match outcome {
        Ok(call) => call,
        Err(failure) => {
            return json!({
                "result": null, "outcome": failure.class(), "error": failure.to_string(),
                "fuel": 0, "credits_authorized": 0, "credits_captured": 0,
                "memory_peak_bytes": 0, "duration_ms": 0, "log": [], "host_calls": [],
                "repeatable": true,
            });
        }
    };
    let host_calls = call
        .details
        .host_calls
        .iter()
        .map(|kind| json!({ "name": kind.name, "calls": kind.calls, "fuel": kind.fuel }));
    let result = call.outcome.as_ref().ok().map(|text| raw(text));
    let mut value = json!({
        "result": result, "outcome": class(outcome), "fuel": call.fuel_used,
        "credits_authorized": output::number(call.authorized),
        "credits_captured": output::number(call.captured),
        "memory_peak_bytes": call.memory_peak_bytes,
        "duration_ms": call.elapsed.as_millis().try_into().unwrap_or(u64::MAX),
        "log": call.log,
        "host_calls": host_calls.collect::<Vec<_>>(),
        "repeatable": call.details.is_repeatable,
    });
    if let Err(failure) = &call.outcome {
        value["error"] = failure.to_string().into();
    }
    value
}

fn raw(result: &str) -> Value {
    serde_json::from_str(result).unwrap_or(Value::Null)
}

/// Prints the result, and beside it what the call used. The result alone is on standard output.
pub(super) fn print(outcome: &Outcome) {
    let call = match outcome {
        Ok(call) => call,
        Err(failure) => return print_failure(failure),
    };
    match &call.outcome {
        Ok(result) => output::out(&format!("{result}\n")),
        Err(failure) => print_failure(failure),
    }
    for line in &call.log {
        output::err(&format!("  log: {line}\n"));
    }
    if call.log.iter().any(|line| line.starts_with("outbound: ")) {
        output::err(
            "hint: hosts of [outbound] in service.toml are reached, and for one run --allow-host\n",
        );
    }
    for kind in &call.details.host_calls {
        output::err(&format!("  host: {} x {}, {} fuel\n", kind.calls, kind.name, kind.fuel));
    }
    if let Some(why) = unrepeatable(call) {
        output::err(&format!("  the next run may differ: {why}\n"));
    }
    output::err(&format!(
        "{} fuel, {} credits captured of {} held, {} KiB of memory, {} ms\n",
        call.fuel_used,
        call.captured,
        call.authorized,
        call.memory_peak_bytes >> 10,
        call.elapsed.as_millis(),
    ));
}

/// Why the same call may burn other fuel, or answer otherwise; `None` where it may not.
pub(super) fn unrepeatable(call: &Call) -> Option<String> {
    let names = changeable(call);
    if call.details.is_repeatable {
        None
    } else if names.is_empty() {
        Some("time ended it".to_owned())
    } else {
        Some(format!("it asked for {}", names.join(", ")))
    }
}

fn print_failure(failure: &CallFailure) {
    let why = match failure {
        CallFailure::Insufficient { needed, .. } => format!("it may cost {needed} credits"),
        failure => failure.to_string(),
    };
    Failure::new(format!("the call failed: {}", failure.class()), why).hint(mend(failure)).print();
}

/// What the plugin's developer can do about a call that failed here.
fn mend(failure: &CallFailure) -> &'static str {
    let stop = match failure {
        CallFailure::Stopped { stop, .. } => stop,
        CallFailure::Insufficient { .. } => return "--credits says what the account has",
        CallFailure::Failed(_) => {
            return "the service itself said so: look at the route and at --params";
        }
        CallFailure::BadOutput(_) => return "answer with JSON text, and quote a sane amount",
        _ => return "STOKEHOLD_LOG=debug shows what the host does",
    };
    match stop {
        Stop::OutOfFuel { .. } => {
            "quote more credits, or buy more fuel with each: fuel_per_credit in service.toml"
        }
        Stop::Memory { .. } | Stop::Deadline { .. } => {
            "use less, or raise the limit in [limits] of service.toml"
        }
        Stop::Handles { .. } => "close streams and requests when they are done",
        Stop::Output { .. } => "answer with less, or in several calls",
        Stop::Trap { .. } => {
            "the log says where, for a quote with STOKEHOLD_LOG=info: a panic traps, too"
        }
        Stop::HostFault(_) => "STOKEHOLD_LOG=debug shows what the host does",
    }
}
