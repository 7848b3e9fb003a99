//! Helpers for tests that cross crates.

#![expect(clippy::missing_panics_doc, reason = "what fails a test panics, and says why")]

pub mod again;
pub mod binary;
pub mod events;
pub mod guest;
pub mod http;
pub mod key_value;
pub mod poll;
pub mod postgres;
pub mod raw;
pub mod relay;
pub mod server;
pub mod tls;
pub mod upload;
