//! A file for each command.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod ledger;
pub(crate) mod new;
pub(crate) mod price_list;
pub(crate) mod publish;
pub(crate) mod receipt;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod serve;
