//! The HTTP server: the broker's JSON-RPC, hosted services, the management API, pages.
//!
//! [`router`] is the table of contents. Handlers are thin: they read a request, call one use case
//! of [`stokehold_app::App`], and write its answer. No SQL and no arithmetic on amounts stands here.

mod amount;
mod api;
mod auth;
mod body;
mod extract;
mod health;
mod hosted;
mod pages;
mod path;
mod problem;
mod router;
mod rpc;
mod serve;
mod statement;
mod unread;
mod when;

pub use amount::Amount;
pub use router::{Host, openapi, router};
pub use serve::serve;
pub use statement::{CSV_HEADER, Entry};
pub use when::parse as parse_instant;
