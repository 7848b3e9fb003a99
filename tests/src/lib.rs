//! Helpers for tests that cross crates.

pub mod guest;
