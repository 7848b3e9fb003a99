//! Postings: double entry.

use crate::credits::Credits;
use crate::money::{Cents, Commission};

/// What an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Micro-credits of one service.
    Credits,
    /// Cents.
    Money,
}

/// A book of a service. The entries of a posting sum to zero in each unit.
///
/// In credits an entry above zero adds to what the book holds: credits flow from `Issuance` (which
/// is therefore below zero by all that was ever granted) to `Account` and on to `Earned`. In money
/// an entry above zero is a debit: `Cash` receives a price, and owes it to `Commission` and
/// `Payable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// Where granted credits come from.
    Issuance,
    /// The client's account that the posting names.
    Account,
    /// What was captured.
    Earned,
    /// Money received.
    Cash,
    /// The operator's share of it.
    Commission,
    /// The provider's share of it.
    Payable,
}

impl Book {
    /// All books.
    pub const ALL: [Self; 6] =
        [Self::Issuance, Self::Account, Self::Earned, Self::Cash, Self::Commission, Self::Payable];

    /// What the book's entries count.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Issuance | Self::Account | Self::Earned => Unit::Credits,
            Self::Cash | Self::Commission | Self::Payable => Unit::Money,
        }
    }
}

/// One immutable line of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The book that it changes.
    pub book: Book,
    /// By how much, in micro-credits or in cents.
    pub amount: i64,
}

/// Why a posting was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingKind {
    /// Credits were given.
    Gift,
    /// Trial credits were given.
    Trial,
    /// A pack was bought.
    Order,
    /// A hold was captured.
    Capture,
    /// Captured credits were given back.
    Refund,
    /// A pack was taken back and its price given back.
    OrderRefund,
}

/// Entries that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Why it was made.
    pub kind: PostingKind,
    /// What it changes; at most one entry a book.
    pub entries: Vec<Entry>,
}

impl Posting {
    /// What it adds to a book, in the book's unit: zero where it has no entry there.
    pub fn amount(&self, book: Book) -> i64 {
        self.entries.iter().find(|entry| entry.book == book).map_or(0, |entry| entry.amount)
    }

    /// `amount` credits go to the account.
    pub(crate) fn grant(kind: PostingKind, amount: Credits) -> Option<Self> {
        Some(Self { kind, entries: transfer(Book::Issuance, Book::Account, amount)? })
    }

    /// `amount` credits go from the account to what the service earned.
    pub(crate) fn capture(amount: Credits) -> Option<Self> {
        Some(Self {
            kind: PostingKind::Capture,
            entries: transfer(Book::Account, Book::Earned, amount)?,
        })
    }

    /// `amount` credits go back from what the service earned to the account.
    pub(crate) fn refund(amount: Credits) -> Option<Self> {
        Some(Self {
            kind: PostingKind::Refund,
            entries: transfer(Book::Earned, Book::Account, amount)?,
        })
    }

    /// The opposite of a paid grant.
    pub(crate) fn order_refund(amount: Credits, price: Cents, split: Commission) -> Option<Self> {
        let mut paid = Self::grant(PostingKind::OrderRefund, amount)?.paid(price, split)?;
        for entry in &mut paid.entries {
            entry.amount = entry.amount.checked_neg()?;
        }
        Some(paid)
    }

    /// Adds what was paid, and who it is owed to.
    pub(crate) fn paid(mut self, price: Cents, split: Commission) -> Option<Self> {
        let parts = [
            (Book::Cash, price.0),
            (Book::Commission, split.operator.0.checked_neg()?),
            (Book::Payable, split.provider.0.checked_neg()?),
        ];
        let parts = parts.into_iter().filter(|(_, amount)| *amount != 0);
        self.entries.extend(parts.map(|(book, amount)| Entry { book, amount }));
        Some(self)
    }
}

fn transfer(from: Book, to: Book, amount: Credits) -> Option<Vec<Entry>> {
    let amount = amount.micros();
    Some(vec![Entry { book: from, amount: amount.checked_neg()? }, Entry { book: to, amount }])
}
