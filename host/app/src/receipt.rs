//! Receipts: what a call was and what it cost, signed, for its client and its provider to show.
//!
//! A receipt is made of the call's record whenever it is asked for, so a call costs no more for
//! having one. The record does not change once the call has ended, and so neither does its receipt,
//! but for the key that signs.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use stokehold_ledger::{Credits, Timestamp};
use stokehold_store::CallRecord;

use crate::app::App;
use crate::call::is_repeatable;
use crate::jws::{Jwks, JwsError};

/// The type in the header of a receipt.
const TYPE: &str = "stokehold-receipt+jws";

/// What a receipt says.
#[derive(Serialize)]
struct Receipt<'a> {
    call: String,
    service: &'a str,
    version: u32,
    component_sha256: &'a str,
    client: &'a str,
    route: &'a str,
    params_sha256: &'a str,
    result_sha256: Option<&'a str>,
    outcome: &'a str,
    credits_quoted: Box<RawValue>,
    credits_authorized: Box<RawValue>,
    credits_captured: Box<RawValue>,
    fuel_bought: i64,
    fuel_used: i64,
    host_calls: Box<RawValue>,
    repeatable: Option<bool>,
    price_list: &'a str,
    memory_peak_bytes: i64,
    duration_ms: i64,
    created_at: String,
    started_at: Option<String>,
    ended_at: String,
}

impl App {
    /// The receipt of a call; none before its end, nor for one that was made before there were
    /// receipts.
    pub fn receipt(&self, call: &CallRecord) -> Option<String> {
        let payload = serde_json::to_vec(&receipt(call)?).ok()?;
        Some(self.keyring.sign(TYPE, &payload))
    }
}

fn receipt(call: &CallRecord) -> Option<Receipt<'_>> {
    Some(Receipt {
        call: call.id.to_string(),
        service: &call.service_name,
        version: call.version_number,
        component_sha256: &call.digest,
        client: call.client_id.as_deref()?,
        route: &call.route,
        params_sha256: &call.params_digest,
        result_sha256: call.result_digest.as_deref(),
        outcome: call.outcome.as_deref()?,
        // What was quoted is what was held: a call is never authorized for more or less.
        credits_quoted: number(call.credits_authorized)?,
        credits_authorized: number(call.credits_authorized)?,
        credits_captured: number(call.credits_captured)?,
        fuel_bought: call.fuel_bought,
        fuel_used: call.fuel_used,
        host_calls: RawValue::from_string(call.host_calls.clone()).ok()?,
        repeatable: is_repeatable(call),
        price_list: &call.price_list,
        memory_peak_bytes: call.memory_peak_bytes,
        duration_ms: call.duration_ms,
        created_at: instant(call.created_at),
        started_at: call.started_at.map(instant),
        ended_at: instant(call.ended_at?),
    })
}

/// An amount as a JSON number of all its digits.
pub(crate) fn number(credits: Credits) -> Option<Box<RawValue>> {
    RawValue::from_string(credits.to_string()).ok()
}

/// RFC 3339.
pub(crate) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map(|at| at.to_string()).unwrap_or_default()
}

/// Checks that one of the keys has signed a receipt, and answers what it says.
pub fn verify_receipt(receipt: &str, keys: &Jwks) -> Result<Map<String, Value>, JwsError> {
    let payload = keys.open(TYPE, receipt.trim())?;
    serde_json::from_slice(&payload).map_err(|error| JwsError::Malformed(error.to_string()))
}
