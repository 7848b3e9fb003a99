//! Where a run's fuel went, function by function.
//!
//! The engine yields after an amount of fuel, and whoever polls the run then advances the engine's
//! epoch, so that the guest calls back at the very place where it was interrupted: there the stack
//! is looked at, and all fuel since the last look is put down to it. A look stands for 1,000 fuel,
//! and in long runs for up to a two-thousandth of what was used before it: that is how exact a
//! function's share is. What the host is paid for is put down to its calls exactly, and the sum is
//! what the run used.

use std::collections::HashMap;
use std::pin::pin;

use wasmtime::{AsContextMut, Engine, Store, StoreContextMut, UpdateDeadline, WasmBacktrace};

use crate::instance::State;
use crate::stop::function_names;

/// Fuel between two yields. It stays the same: the guest keeps the rest of its interval where a
/// change from outside would get lost.
const INTERVAL: u64 = 1_000;
/// A look stands for at most this part of the fuel that was used before it, or for an interval.
const PART: u64 = 2_000;

/// Fuel by stack: functions from the outermost to the innermost, with `;` between them, as tools
/// for flame graphs read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(pub HashMap<String, u64>);

/// A profile that is being made.
#[derive(Debug)]
pub(crate) struct Profiler {
    profile: Profile,
    fuel_bought: u64,
    /// What was left when all used fuel had been put down.
    fuel_left: u64,
}

impl Profiler {
    pub(crate) fn new(fuel: u64) -> Self {
        Profiler { profile: Profile::default(), fuel_bought: fuel, fuel_left: fuel }
    }

    /// All fuel put down: what came after the last look, to nobody.
    pub(crate) fn finish(mut self, fuel_left: u64) -> Profile {
        self.put_down("(after the last look)".to_owned(), fuel_left);
        self.profile
    }

    fn put_down(&mut self, stack: String, fuel_left: u64) {
        let used = self.fuel_left.saturating_sub(fuel_left);
        self.fuel_left = fuel_left;
        if used > 0 {
            *self.profile.0.entry(stack).or_default() += used;
        }
    }

    /// Whether it is worth a look again.
    fn is_due(&self, fuel_left: u64) -> bool {
        let used = self.fuel_bought.saturating_sub(self.fuel_left);
        self.fuel_left.saturating_sub(fuel_left) >= used / PART
    }
}

/// Has a run profiled, whose engine has epochs.
pub(crate) fn start(store: &mut Store<State>) -> wasmtime::Result<()> {
    store.fuel_async_yield_interval(Some(INTERVAL))?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let fuel_left = store.get_fuel()?;
        if store.data().profiler.as_ref().is_some_and(|profiler| profiler.is_due(fuel_left)) {
            look(&mut store, None)?;
        }
        Ok(UpdateDeadline::Continue(1))
    });
    Ok(())
}

/// Puts the fuel since the last look down to where the guest is, or to the call of the host that
/// it has just paid for.
pub(crate) fn look(
    store: &mut StoreContextMut<'_, State>,
    host: Option<&str>,
) -> wasmtime::Result<()> {
    if store.data().profiler.is_none() {
        return Ok(());
    }
    let fuel_left = store.get_fuel()?;
    let mut names = function_names(&WasmBacktrace::force_capture(store.as_context_mut()));
    names.reverse();
    names.extend(host.map(|name| format!("host {name}")));
    let stack = names.iter().map(|name| name.replace(';', ":")).collect::<Vec<_>>().join(";");
    if let Some(profiler) = &mut store.data_mut().profiler {
        profiler.put_down(stack, fuel_left);
    }
    Ok(())
}

/// Polls a run to its end, and has it looked at wherever it yields.
pub(crate) async fn watch<T>(engine: &Engine, run: impl Future<Output = T>) -> T {
    let mut run = pin!(run);
    std::future::poll_fn(|context| {
        let poll = run.as_mut().poll(context);
        if poll.is_pending() {
            engine.increment_epoch();
        }
        poll
    })
    .await
}
