//! What became of a card.

use stokehold_sdk::{Credits, Json, json};

/// A card's state, as it stands in the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// The printing house has it, and calls it `tracking`.
    Sent { tracking: String },
    /// The printing house has had it before, so it was not sent again.
    Duplicate { tracking: String },
    /// Something is wrong with the card.
    Invalid { reason: String },
    /// It would have cost more than the client wants to spend.
    InsufficientCredits,
    /// Something went wrong that the client cannot mend. It may try again.
    Failed { reason: String },
}

/// A card in the answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) id: &'a str,
    pub(crate) state: State,
    /// What it costs: its postage if it was sent, else nothing.
    pub(crate) credits: Credits,
}

impl Line<'_> {
    /// What the client reads.
    pub(crate) fn json(&self) -> Json {
        let (state, more) = match &self.state {
            State::Sent { tracking } => ("sent", Some(("tracking", tracking))),
            State::Duplicate { tracking } => ("duplicate", Some(("tracking", tracking))),
            State::Invalid { reason } => ("invalid", Some(("reason", reason))),
            State::InsufficientCredits => ("insufficient_credits", None),
            State::Failed { reason } => ("failed", Some(("reason", reason))),
        };
        let mut line = json!({ "id": self.id, "state": state, "credits": self.credits });
        if let Some((name, text)) = more {
            line[name] = text.as_str().into();
        }
        line
    }
}
