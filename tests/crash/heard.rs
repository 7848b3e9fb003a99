//! What a client has heard of a request.

/// What a client has heard of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard<T> {
    /// No answer, or one that promises nothing: it may have happened or not.
    Nothing,
    /// It happened.
    Done(T),
    /// It did not happen, and will not under the same key.
    Refused,
}

impl<T> Heard<T> {
    /// The answer of one that happened.
    pub(crate) fn done(&self) -> Option<&T> {
        match self {
            Self::Done(answer) => Some(answer),
            Self::Nothing | Self::Refused => None,
        }
    }

    /// Whether nothing is known of it.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// The same with another answer.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Heard<U> {
        match self {
            Self::Nothing => Heard::Nothing,
            Self::Refused => Heard::Refused,
            Self::Done(answer) => Heard::Done(change(answer)),
        }
    }
}
