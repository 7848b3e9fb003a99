//! A file for each command.

pub(crate) mod account;
pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod key;
pub(crate) mod ledger;
mod manage;
pub(crate) mod new;
pub(crate) mod pack;
pub(crate) mod price_list;
pub(crate) mod publish;
pub(crate) mod receipt;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod version;
