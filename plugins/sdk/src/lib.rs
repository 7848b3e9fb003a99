//! Write a paid service for a Stokehold host in Rust: implement [`Service`], call [`export!`].
//!
//! ```
//! use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service, json};
//!
//! struct Greeter;
//!
//! impl Service for Greeter {
//!     fn quote(_: &Request) -> Result<Quote, Failure> {
//!         Ok(Quote::of(Credits::from_micro(10_000), "One greeting"))
//!     }
//!
//!     fn handle(request: &Request) -> Result<Json, Failure> {
//!         match request.route.as_str() {
//!             "greet" => Ok(json!({ "greeting": "Hello" })),
//!             _ => Err(request.unknown_route(&["greet"])),
//!         }
//!     }
//! }
//!
//! stokehold_sdk::export!(Greeter);
//! ```
//!
//! The crate is a `cdylib` for the target `wasm32-unknown-unknown`, on which Rust's standard
//! library has nobody to ask:
//!
//! - `Instant::now` and `SystemTime::now` panic: there is no clock.
//! - Nothing gives random bytes: what needs the `getrandom` crate does not compile.
//! - `HashMap` works, but everybody can guess its seeds: give it no keys that a client chooses, or
//!   use `BTreeMap`.
//! - Files, sockets, threads and environment variables give errors, `println!` writes to nowhere.
//!
//! A panic traps: the call is over and its hold is cancelled.
//!
//! What a service uses beside its contract are features of this crate:
//!
//! | feature | module | gives |
//! |---|---|---|
//! | `config` | [`config`] | the texts of the manifest's `[config]`, and the secrets that it names |
//! | `http` | [`http`] | requests to the hosts that the manifest names |
//! | `keyvalue` | [`keyvalue`] | what the service keeps from one call to the next |
//! | `log` | [`log`] | lines in the call's log, for the provider |
//!
//! For the rest of WASI, such as clocks and random bytes, use the crate `wasip2`.

#[doc(hidden)]
#[expect(clippy::pedantic, reason = "generated from the contract")]
pub mod bindings;
pub mod charge;
#[cfg(feature = "config")]
pub mod config;
mod credits;
#[cfg(feature = "http")]
mod exchange;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "keyvalue")]
pub mod keyvalue;
#[cfg(feature = "log")]
pub mod log;
mod quote;
mod request;
mod service;

pub use bindings::export;
pub use bindings::stokehold::service::types::{Failure, Quote, Request};
pub use credits::{Credits, CreditsError};
pub use serde_json::{Value as Json, json};
pub use service::Service;
