//! Helpers for tests that cross crates.

pub mod binary;
pub mod guest;
pub mod http;
pub mod poll;
pub mod raw;
pub mod server;
pub mod upload;
