//! Runs a paid service: a WebAssembly component, within a budget, once, and says how it ended.
//!
//! This is the only crate that knows Wasmtime, and it knows nothing of accounts or holds. A
//! [`Runtime`] turns an upload into a [`Program`] or into [`Faults`]; a program answers
//! [`Runtime::quote`] and [`Runtime::handle`], each in an instance of its own. What a guest does
//! is never an error of this crate: it is the [`End`] of a [`Run`].

mod bindings;
mod budget;
mod charge;
mod contract;
mod engine;
mod fault;
mod instance;
mod load;
mod log;
mod memory;
mod price_list;
mod program;
mod run;
mod runtime;
mod settings;
mod shape;
mod signature;
mod stop;
mod threads;

pub use bindings::stokehold::service::types::{Failure, Quote, Request};
pub use budget::{Budget, Terms};
pub use contract::{PACKAGE, VERSION};
pub use engine::StartError;
pub use fault::{Fault, Faults};
pub use price_list::{PRICE_LIST, PriceList};
pub use program::{Program, Report};
pub use run::{End, Run};
pub use runtime::Runtime;
pub use settings::Settings;
pub use stop::Stop;
