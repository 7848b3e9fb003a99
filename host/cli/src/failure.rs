//! Errors as people read them: what, why, and what to do.

use std::fmt::Display;
use std::process::ExitCode;

/// The command line cannot be understood, as clap has it.
const USAGE: u8 = 2;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    reasons: Vec<Reason>,
    code: u8,
}

/// One reason, and its mend.
#[derive(Debug, Default)]
struct Reason {
    why: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, why: impl Display) -> Self {
        Self::plain(what).because(why)
    }

    /// A failure that needs no reason.
    pub(crate) fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), reasons: Vec::new(), code: 1 }
    }

    /// A value on the command line is not what it has to be.
    pub(crate) fn usage(what: impl Into<String>, why: impl Display) -> Self {
        Self::misused(what).because(why)
    }

    /// The same, before its reasons.
    pub(crate) fn misused(what: impl Into<String>) -> Self {
        Self { code: USAGE, ..Self::plain(what) }
    }

    /// One more reason.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Display) -> Self {
        self.reasons.push(Reason { why: Some(why.to_string()), hint: None });
        self
    }

    /// What to do about the last reason, or about the failure where it has none.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.reasons.is_empty() {
            self.reasons.push(Reason::default());
        }
        if let Some(reason) = self.reasons.last_mut() {
            reason.hint = Some(hint.into());
        }
        self
    }

    /// Several reasons, each with its mend, which may be empty.
    #[must_use]
    pub(crate) fn faults(self, faults: impl IntoIterator<Item = (String, String)>) -> Self {
        faults.into_iter().fold(self, |failure, (what, mend)| {
            let failure = failure.because(what);
            if mend.is_empty() { failure } else { failure.hint(mend) }
        })
    }

    /// Prints it to standard error, and says how the program ends.
    pub(crate) fn print(&self) -> ExitCode {
        let mut text = format!("error: {}\n", self.what);
        for Reason { why, hint } in &self.reasons {
            if let Some(why) = why {
                text.push_str(&format!("  because: {why}\n"));
            }
            if let Some(hint) = hint {
                text.push_str(&format!("hint: {hint}\n"));
            }
        }
        crate::output::err(&text);
        ExitCode::from(self.code)
    }
}
