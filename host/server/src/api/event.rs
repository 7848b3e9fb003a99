//! `/calls/{id}/events`: what happens to a call, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use stokehold_app::{Event, Events};

use super::call::{body, record};
use crate::auth::{self, BearerOrAccount};
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;

/// The id of the last event. Who has seen it has nothing to wait for.
const END: &str = "end";

/// How often something is said where nothing happens: proxies close a connection that is silent for
/// half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Follow a call: `status`, `progress` and `log` while it waits and runs, then `outcome` with its
/// record. `Last-Event-ID` goes on where a listener was cut off; who has had the last event is told
/// so with 204.
#[utoipa::path(get, path = "/api/v1/calls/{id}/events", tag = "calls",
    security(("token" = ["provider"]), ("account_token" = [])),
    params(("id" = String, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 204, description = "there is nothing more"),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn follow(
    State(host): State<Host>,
    who: BearerOrAccount,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let call = record(&host, who, &id).await?;
    let last = auth::text(&headers, "last-event-id").unwrap_or_default();
    if last == END {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // An id that is none of ours begins from the start.
    let events = host.app.events(call, last.parse().unwrap_or(0));
    let events = stream::unfold((host, events), |(host, mut events): (Host, Events)| async {
        let event = sent(&host, events.next().await?);
        Some((Ok::<_, Infallible>(event), (host, events)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn sent(host: &Host, event: Event) -> Sent {
    match event {
        Event::Status(status) => {
            Sent::default().event("status").data(json!({ "status": status.as_str() }).to_string())
        }
        Event::Line { number, text } => {
            let (kind, data) = match progress(&text) {
                Some((percent, message)) => {
                    ("progress", json!({ "percent": percent, "message": message }))
                }
                None => ("log", json!({ "line": text })),
            };
            Sent::default().event(kind).id(number.to_string()).data(data.to_string())
        }
        Event::Ended(call) => {
            let call = serde_json::to_string(&body(host, *call)).unwrap_or_default();
            Sent::default().event("outcome").id(END).data(call)
        }
    }
}

/// A line of progress: how far it is in per cent, and what it said.
fn progress(line: &str) -> Option<(u8, &str)> {
    let (percent, message) = line.split_once(" % ")?;
    percent.parse().ok().filter(|percent| *percent <= 100).map(|percent| (percent, message))
}

#[cfg(test)]
mod tests {
    use super::progress;

    #[test]
    fn a_line_of_progress_is_told_from_others() {
        assert_eq!(progress("50 % half"), Some((50, "half")));
        assert_eq!(progress("100 % "), Some((100, "")));
        for line in ["", "half", "a % b", "101 % x", "50 %x"] {
            assert_eq!(progress(line), None, "{line}");
        }
    }
}
