//! Runs a paid service: a WebAssembly component, within a budget, once, and says how it ended.
//!
//! This is the only crate that knows Wasmtime, and it knows nothing of accounts or holds. A
//! [`Runtime`] turns an upload into a [`Program`] or into [`Faults`]; a program answers
//! [`Runtime::quote`] and [`Runtime::handle`], each in an instance of its own. What a guest does
//! is never an error of this crate: it is the [`End`] of a [`Run`].

mod access;
mod bill;
mod bindings;
mod budget;
mod cache;
mod charge;
mod compiler;
mod contract;
mod engine;
mod fault;
mod instance;
mod library;
mod load;
mod log;
mod memory;
mod price_list;
mod profile;
mod program;
mod run;
mod runtime;
mod services;
mod settings;
mod shape;
mod signature;
mod stop;
mod threads;

pub use access::Access;
pub use bill::HostCalls;
pub use bindings::stokehold::service::types::{Failure, Quote, Request};
pub use budget::{Budget, Terms};
pub use cache::CacheSettings;
pub use compiler::{CompileSettings, SUBCOMMAND as COMPILE, compile_as_child};
pub use contract::{PACKAGE, VERSION};
pub use engine::StartError;
pub use fault::{Fault, Faults};
pub use library::{Library, LibrarySettings, LoadError, ShelfSettings, digest};
pub use price_list::{HostCall, PRICE_LIST, Price, PriceList};
pub use profile::Profile;
pub use program::{Program, Report};
pub use run::{End, Run, is_changeable};
pub use runtime::Runtime;
pub use services::{
    Authorities, AuthoritiesError, Host, HostError, KeyValue, KeyValueError, KeyValueFuture,
    Network, NetworkSettings, Outbound,
};
pub use settings::Settings;
pub use stop::Stop;
