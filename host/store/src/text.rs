//! Texts as either database can keep them.

/// Puts U+FFFD in the place of zero characters, which PostgreSQL has no place for. One text of a
/// client's or a guest's shall not keep the rest of its transaction out.
pub(crate) fn make_storable<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    for text in texts {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{FFFD}");
        }
    }
}
