//! Texts as either database can keep them.

use std::borrow::Cow;

/// The text with U+FFFD in the place of zero characters, which PostgreSQL has no place for. One text
/// of a client's or a guest's shall not keep the rest of its transaction out.
///
/// It is applied to whatever is given to a query, see [`crate::db::Value`]. What is sealed as well, or
/// goes to the database in another way, has to have been made so before.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same in place.
pub(crate) fn make_storable<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    for text in texts {
        if let Cow::Owned(storable) = storable(text) {
            *text = storable;
        }
    }
}
