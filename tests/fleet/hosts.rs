//! Two hosts on one database behave as one.
