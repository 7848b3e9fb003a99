//! The printing house: the External Service behind this one.

use std::time::Duration;

use stokehold_sdk::http::{self, Error, Response};
use stokehold_sdk::{Failure, Json, config, log};

use crate::order::Postcard;
use crate::state::State;

/// What one card waits for its answer.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The way to the printing house.
pub(crate) struct Gateway<'a> {
    url: String,
    key: String,
    client_id: &'a str,
}

/// What the printing house says to a card.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// This is what became of it.
    Settled(State),
    /// It does not answer, or not to us: no card will fare better.
    Down { reason: String },
}

impl<'a> Gateway<'a> {
    pub(crate) fn open(client_id: &'a str) -> Result<Self, Failure> {
        let (url, key) = (config::required("gateway")?, config::required("gateway_key")?);
        Ok(Self { url: format!("{url}/postcards"), key, client_id })
    }

    /// Hands a card over. The printing house takes each key once: a card that was sent in a call
    /// whose answer got lost is recognised when it comes again.
    pub(crate) fn send(&self, card: &Postcard) -> Reply {
        let answer = http::post(&self.url)
            .header("authorization", format!("Bearer {}", self.key))
            .header("idempotency-key", format!("{}.{}", self.client_id, card.id))
            .json(card)
            .timeout(TIMEOUT)
            .send();
        let reply = read(&answer);
        if !matches!(reply, Reply::Settled(State::Sent { .. } | State::Duplicate { .. })) {
            // For the provider: the client is told less.
            let cause = answer.map_or_else(|error| error.to_string(), |it| it.status.to_string());
            log::warn(&format!("postcard {}: {cause}", card.id));
        }
        reply
    }
}

/// What an answer means.
fn read(answer: &Result<Response, Error>) -> Reply {
    let down = |reason: &str| Reply::Down { reason: reason.to_owned() };
    let answer = match answer {
        Ok(answer) => answer,
        Err(Error::TimedOut) => return down("no answer in time: it may have been sent"),
        Err(_) => return down("the printing house cannot be reached"),
    };
    let body: Json = answer.json().unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Reply::Settled(match (answer.status, text("tracking"), text("error")) {
        (201, Some(tracking), _) => State::Sent { tracking },
        (200, Some(tracking), _) => State::Duplicate { tracking },
        (400 | 422, _, Some(reason)) => State::Invalid { reason },
        // The key, the provider's own credit, the rate: all ours.
        (401..=403 | 429, ..) => return down("the printing house takes no cards from us"),
        _ => State::Failed { reason: "the printing house failed".to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use stokehold_sdk::http::{Error, Response};

    use super::{Reply, read};
    use crate::state::State;

    fn reply(status: u16, body: &str) -> Reply {
        read(&Ok(Response { status, body: body.into() }))
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let tracking = "T1".to_owned();
        let settled = |state| Reply::Settled(state);
        assert_eq!(
            reply(201, r#"{"tracking":"T1"}"#),
            settled(State::Sent { tracking: tracking.clone() })
        );
        assert_eq!(reply(200, r#"{"tracking":"T1"}"#), settled(State::Duplicate { tracking }));
        let reason = "no such street".to_owned();
        assert_eq!(reply(422, r#"{"error":"no such street"}"#), settled(State::Invalid { reason }));
    }

    #[test]
    fn what_nobody_promised_is_not_sent() {
        for (status, body) in [(201, ""), (200, "[]"), (422, "<html>"), (302, ""), (500, "")] {
            let reply = reply(status, body);
            assert!(matches!(reply, Reply::Settled(State::Failed { .. })), "{status} {reply:?}");
        }
    }

    #[test]
    fn a_house_that_is_shut_is_known() {
        for status in [401, 402, 403, 429] {
            assert!(matches!(reply(status, "{}"), Reply::Down { .. }), "{status}");
        }
        for error in [Error::TimedOut, Error::Denied, Error::Failed("reset".to_owned())] {
            assert!(matches!(read(&Err(error)), Reply::Down { .. }));
        }
    }
}
