//! The wire: the JSON-RPC 2.0 envelope as the broker's clients speak it, and its errors.
//!
//! Amounts are read from the text of their JSON numbers and written as shortest decimals; no
//! float is involved. Nothing here knows of HTTP servers or databases.

mod envelope;
mod fault;
mod params;
#[cfg(any(test, feature = "probe"))]
pub mod probe;
mod reply;

pub use envelope::{Id, Limits, Message, Payload, parse};
pub use fault::{Class, Fault};
pub use params::Params;
pub use reply::{batch, failure, success};
