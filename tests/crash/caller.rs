//! The requests of a client, and what their answers tell.

use serde_json::{Value, json};
use stokehold_ledger::Credits;
use stokehold_tests::http::{Client, Reply};

use crate::heard::Heard;
use crate::journal::{Call, End, Grant, Hold};
use crate::subject::SERVICE;

/// A client of the host, with every credential that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) operator: Client,
    pub(crate) service_key: String,
    /// How many requests it has sent.
    pub(crate) requests: u64,
    /// Whether the last request had no answer at all.
    pub(crate) is_cut_off: bool,
}

impl Caller {
    pub(crate) fn grant(&mut self, grant: &Grant) -> Heard<Credits> {
        let path = format!("/api/v1/services/{SERVICE}/accounts/{}/grants", grant.account);
        let body = json!({ "credits": number(grant.credits), "reason": grant.key });
        let operator = self.operator.with("Idempotency-Key", &grant.key);
        let operator = operator.with("Content-Type", "application/json");
        let reply = operator.try_send("POST", &path, Some(body.to_string().into_bytes()));
        match self.answered(reply) {
            Some(reply) if reply.status == 201 => Heard::Done(credits(&reply.json()["balance"])),
            _ => Heard::Nothing,
        }
    }

    pub(crate) fn authorize(&mut self, hold: &Hold) -> Heard<String> {
        let params = json!({
            "key": self.service_key, "account_token": hold.account, "description": hold.key,
            "credit": number(hold.credits), "idempotency_key": hold.key,
        });
        let heard = self.rpc("/iap/1/authorize", None, &params);
        heard.map(|reply| reply.json()["result"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn end(&mut self, transaction: &str, end: End) -> Heard<()> {
        let mut params = json!({ "key": self.service_key, "token": transaction });
        let path = match end {
            End::Capture(amount) => {
                params["credit_to_capture"] = number(amount);
                "/iap/1/capture"
            }
            End::Cancel => "/iap/1/cancel",
        };
        self.rpc(path, None, &params).map(drop)
    }

    pub(crate) fn call(&mut self, call: &Call) -> Heard<(String, Credits)> {
        let params = json!({ "account_token": call.account });
        self.rpc(&format!("/services/{SERVICE}/echo"), Some(&call.key), &params).map(|reply| {
            let captured = read(reply.header("stokehold-credits-captured"));
            (reply.header("stokehold-call").to_owned(), captured)
        })
    }

    fn rpc(&mut self, path: &str, key: Option<&str>, params: &Value) -> Heard<Reply> {
        let client = key.map(|key| self.client.with("Idempotency-Key", key));
        let reply = client.as_ref().unwrap_or(&self.client).try_rpc(path, params);
        let Some(reply) = self.answered(reply) else { return Heard::Nothing };
        if reply.status != 200 {
            return Heard::Nothing;
        }
        let answer = reply.json();
        let Some(error) = answer.get("error") else { return Heard::Done(reply) };
        if is_final(&error["data"]) { Heard::Refused } else { Heard::Nothing }
    }

    fn answered<E>(&mut self, reply: Result<Reply, E>) -> Option<Reply> {
        self.requests += 1;
        self.is_cut_off = reply.is_err();
        reply.ok()
    }
}

/// Whether an error says for good that it did not happen: the ledger refused it, or the call's hold
/// was cancelled. All else may still have happened.
fn is_final(data: &Value) -> bool {
    let class = data["name"].as_str().and_then(|name| name.rsplit('.').next());
    let is_refused = matches!(class, Some("InsufficientCreditError" | "UserError" | "AccessError"));
    is_refused || data["outcome"] == "host-stopped"
}

fn number(credits: Credits) -> Value {
    serde_json::from_str(&credits.to_string()).expect("an amount is a JSON number")
}

/// The credits of a JSON number, without its sign.
pub(crate) fn credits(value: &Value) -> Credits {
    read(value.to_string().trim_start_matches('-'))
}

fn read(text: &str) -> Credits {
    Credits::from_json_number(text).expect("an amount of credits")
}
