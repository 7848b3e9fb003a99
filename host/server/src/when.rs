//! Instants as text, in UTC: RFC 3339 in JSON.

use stokehold_app::types::Timestamp;

/// `2026-11-22T12:00:00.123456Z`. An instant that the calendar does not reach is left empty.
pub(crate) fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map(|at| at.to_string()).unwrap_or_default()
}

/// Instants as templates write them.
pub(crate) trait Shown {
    /// RFC 3339.
    fn iso(&self) -> String;
    /// `2026-11-22 12:00 UTC`.
    fn shown(&self) -> String;
}

impl Shown for Timestamp {
    fn iso(&self) -> String {
        text(*self)
    }

    fn shown(&self) -> String {
        let at = jiff::Timestamp::from_microsecond(self.0);
        at.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
    }
}

/// Reads RFC 3339.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| Timestamp(at.as_microsecond())).map_err(|error| error.to_string())
}
