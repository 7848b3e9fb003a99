//! The sandbox's magic account tokens.

use stokehold_ledger::AccountToken;
use stokehold_store::Mode;

/// What a magic token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Magic {
    /// `000000`: there is no such account.
    NoAccount,
    /// `000111`: there is nothing on the account.
    NoCredits,
    /// `111111`: there is always enough, and nothing is ever taken.
    Plenty,
}

/// What the token stands for in this mode. In production it is a token like any other that nobody
/// has an account for.
pub(crate) fn magic(mode: Mode, token: &AccountToken) -> Option<Magic> {
    match (mode, token.base()) {
        (Mode::Sandbox, "000000") => Some(Magic::NoAccount),
        (Mode::Sandbox, "000111") => Some(Magic::NoCredits),
        (Mode::Sandbox, "111111") => Some(Magic::Plenty),
        _ => None,
    }
}

/// Whether nobody can have an account of this name, in any mode: one made in production could not
/// be told from a magic one.
pub(crate) fn is_reserved(token: &AccountToken) -> bool {
    token.is_placeholder() || magic(Mode::Sandbox, token).is_some()
}
