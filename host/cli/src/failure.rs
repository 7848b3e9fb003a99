//! Errors as people read them: what, why, and what to do.

use std::fmt::Display;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    why: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, why: impl Display) -> Self {
        Self { what: what.into(), why: Some(why.to_string()), hint: None }
    }

    /// A failure that needs no reason.
    pub(crate) fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, hint: None }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn print(&self) {
        let mut text = format!("error: {}\n", self.what);
        if let Some(why) = &self.why {
            text.push_str(&format!("  because: {why}\n"));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        crate::output::err(&text);
    }
}
