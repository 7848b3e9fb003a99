//! What Stokehold does, use case by use case.
//!
//! [`App`] is opened once from a [`Config`] and holds the store, the runtime and the catalogue of
//! services. Each noun has a file, and each use case is a method of [`App`]. This is the only crate
//! that sees both money and WebAssembly; it knows nothing of HTTP.

mod account;
mod admission;
mod app;
mod breaker;
mod broker;
mod call;
mod caller;
mod catalogue;
mod check;
mod client;
pub mod config;
mod database;
mod error;
mod hold;
mod jws;
mod key_value;
mod keyring;
mod machine;
mod mail;
mod manifest;
mod once;
mod order;
mod outcome;
mod pack;
mod price;
mod quote;
mod receipt;
mod sandbox;
mod secret;
mod service;
mod token;
mod vault;
mod version;

pub use account::GrantRequest;
pub use app::{App, OpenError};
pub use broker::{Authorization, BrokerError};
pub use call::{Call, CallRequest, Details, Event, Events, is_repeatable};
pub use caller::Caller;
pub use check::{Checked, Faults};
pub use client::Overview;
pub use config::Config;
pub use database::check_dbuuid;
pub use error::Error;
pub use jws::{Jwk, Jwks, JwsError};
pub use key_value::KeyValues;
pub use manifest::{
    Cost, Manifest, ManifestError, ManifestFault, On, PackRow, SERVICE_NAME, Settle,
    is_service_name,
};
pub use order::OrderRequest;
pub use outcome::{CallFailure, Limit};
pub use pack::PackRequest;
pub use quote::Quote;
pub use receipt::verify_receipt;
pub use secret::Secret;
pub use service::ServiceRequest;
pub use stokehold_runtime::CacheSettings;
pub use vault::VaultError;
pub use version::{Published, Upload, sanitise};

/// What other crates need of the layers below.
pub mod types {
    pub use stokehold_ledger::{
        AccountKey, AccountName, AccountToken, BasisPoints, CallId, Cents, Commission, Credits,
        HoldId, OrderId, PackId, PostingKind, Refusal, ServiceId, Span, Timestamp, TokenId,
        VersionId,
    };
    pub use stokehold_runtime::{
        COMPILE, Failure, Fault, Faults, HostCalls, PRICE_LIST, Price, Profile, Report, Runtime,
        Stop, compile_as_child, digest as component_digest, is_changeable,
    };
    pub use stokehold_store::{
        AccountView, Address, ApiToken, Audit, BackupError, CallRecord, CallStatus,
        DatabaseAddress, Finding, Line, Mode, OpenError as StoreOpenError, OpenHold, Order,
        OrderStatus, OwnAccount, Pack, PackChange, Page, Role, Service, ServiceChange,
        ServiceStatus, Suspension, Version, WarningSettings, restore, restore_into,
    };
}
