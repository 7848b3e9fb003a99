//! `wasi:logging`: a line for the call's log.

use wasmtime::component::{HasData, Linker};

use super::bindings::wasi::logging::logging::{self, Level};
use crate::bill::Bill;
use crate::instance::State;
use crate::log::Log;
use crate::price_list::HostCall;

struct HasLogging;

impl HasData for HasLogging {
    type Data<'a> = Logging<'a>;
}

struct Logging<'a> {
    log: &'a Log,
    bill: &'a Bill,
}

fn logging_of(state: &mut State) -> Logging<'_> {
    state.bill.add(HostCall::Logging, 0);
    Logging { log: &state.log, bill: &state.bill }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    logging::add_to_linker::<_, HasLogging>(linker, logging_of)
}

impl logging::Host for Logging<'_> {
    async fn log(
        &mut self,
        level: Level,
        context: String,
        message: String,
    ) -> wasmtime::Result<()> {
        self.bill.add_units(HostCall::Logging, context.len().saturating_add(message.len()));
        let level = match level {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
        };
        let separator = if context.is_empty() { "" } else { " " };
        self.log.push(&format!("{level}{separator}{context}: {message}"));
        Ok(())
    }
}
