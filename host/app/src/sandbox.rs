//! The sandbox's magic account tokens.

use stokehold_ledger::{AccountName, AccountToken};
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

/// The tokens, and what they stand for.
const MAGIC: [(&str, Magic); 3] =
    [("000000", Magic::NoAccount), ("000111", Magic::NoCredits), ("111111", Magic::Plenty)];

/// What the token stands for in this mode. In production it is a token like any other that nobody
/// has an account for.
pub(crate) fn magic(mode: Mode, token: &AccountToken) -> Option<Magic> {
    let known = MAGIC.into_iter().filter(|_| mode == Mode::Sandbox);
    known.into_iter().find(|(magic, _)| *magic == token.base()).map(|(_, meaning)| meaning)
}

/// Whether the token's account may be charged: it is not disabled, and somebody can have it.
pub(crate) fn is_chargeable(token: &AccountToken) -> bool {
    token.is_chargeable() && MAGIC.iter().all(|(magic, _)| *magic != token.base())
}

/// Whether this names a magic account of the sandbox: it takes every setting and keeps none.
pub(crate) fn is_magic(mode: Mode, name: &AccountName) -> bool {
    mode == Mode::Sandbox && !name.is_placeholder() && is_reserved(name)
}

/// Whether nobody can have an account of this name, in any mode: one made in production could not
/// be told from a magic one.
pub(crate) fn is_reserved(name: &AccountName) -> bool {
    let is_magic =
        |token: &str| token.parse().is_ok_and(|token: AccountToken| token.key() == name.key);
    name.is_placeholder() || MAGIC.iter().any(|(token, _)| is_magic(token))
}
