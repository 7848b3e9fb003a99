//! Instants in JSON: RFC 3339, UTC.

use stokehold_app::types::Timestamp;

/// `2026-11-22T12:00:00.123456Z`. An instant that the calendar does not reach is left empty.
pub(crate) fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map(|at| at.to_string()).unwrap_or_default()
}

/// Reads RFC 3339.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| Timestamp(at.as_microsecond())).map_err(|error| error.to_string())
}
