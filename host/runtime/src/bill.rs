//! What a guest owes for the host's work, and how it is taken from its fuel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use wasmtime::{CallHook, CallHookHandler, StoreContextMut, Trap};
use wasmtime_wasi_io::async_trait;

use crate::instance::State;
use crate::price_list::{HostCall, PRICE_LIST};
use crate::profile;

/// What one run has had its host do. Shared with streams and requests, which work beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bill(Arc<Entries>);

#[derive(Debug, Default)]
struct Entries {
    owed_fuel: AtomicU64,
    /// The kind that was added latest.
    latest: AtomicUsize,
    calls: [AtomicU64; HostCall::COUNT],
    fuel: [AtomicU64; HostCall::COUNT],
}

/// The calls of one kind that a run has made of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCalls {
    /// The kind, as the price list names it.
    pub name: &'static str,
    /// How many.
    pub calls: u64,
    /// What they cost together.
    pub fuel: u64,
}

impl Bill {
    /// Notes a call that is paid by itself.
    fn note(&self, call: HostCall, fuel: u64) {
        self.0.calls[call as usize].fetch_add(1, Ordering::Relaxed);
        self.0.fuel[call as usize].fetch_add(fuel, Ordering::Relaxed);
    }

    /// Notes a call; the guest pays for it before it goes on.
    pub(crate) fn add(&self, call: HostCall, units: usize) {
        let fuel = call.fuel(units);
        self.note(call, fuel);
        self.0.latest.store(call as usize, Ordering::Relaxed);
        self.0.owed_fuel.fetch_add(fuel, Ordering::Relaxed);
    }

    /// Notes units of a call that was noted before.
    pub(crate) fn add_units(&self, call: HostCall, units: usize) {
        let fuel = call.fuel(units).saturating_sub(call.fuel(0));
        self.0.fuel[call as usize].fetch_add(fuel, Ordering::Relaxed);
        self.0.owed_fuel.fetch_add(fuel, Ordering::Relaxed);
    }

    /// Every kind that was called.
    pub(crate) fn calls(&self) -> Vec<HostCalls> {
        let kinds = PRICE_LIST.host_calls.iter().zip(&self.0.calls).zip(&self.0.fuel);
        kinds
            .map(|((price, calls), fuel)| HostCalls {
                name: price.name,
                calls: calls.load(Ordering::Relaxed),
                fuel: fuel.load(Ordering::Relaxed),
            })
            .filter(|kind| kind.calls > 0)
            .collect()
    }
}

/// Takes the price of a call from the guest's fuel before the host works for it.
pub(crate) async fn pay(
    store: &mut StoreContextMut<'_, State>,
    call: HostCall,
    units: usize,
) -> wasmtime::Result<()> {
    let fuel = call.fuel(units);
    store.data().bill.note(call, fuel);
    take(store, call.price().name, fuel).await
}

/// Takes `fuel` for `what` from the guest, and lets others run when it is their turn.
async fn take(
    store: &mut StoreContextMut<'_, State>,
    what: &str,
    fuel: u64,
) -> wasmtime::Result<()> {
    profile::look(store, None)?;
    let Some(left) = store.get_fuel()?.checked_sub(fuel) else {
        store.set_fuel(0)?;
        return Err(Trap::OutOfFuel.into());
    };
    // This starts the engine's own interval between yields anew: a guest that calls often would
    // never yield, and so never be stopped by its deadline, if it did not yield here.
    store.set_fuel(left)?;
    profile::look(store, Some(what))?;
    let turn = &mut store.data_mut().turn;
    if turn.is_over(left) {
        turn.begin(left);
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Collects what was added to the bill. The functions of WASI do not see the guest's fuel, so
/// theirs is taken as soon as they return, before the guest goes on: what one call can have the
/// host do is bounded by the limits on its arguments.
pub(crate) struct Collector;

#[async_trait]
impl CallHookHandler<State> for Collector {
    async fn handle_call_event(
        &self,
        mut store: StoreContextMut<'_, State>,
        event: CallHook,
    ) -> wasmtime::Result<()> {
        if event.entering_host() {
            return Ok(());
        }
        let entries = &store.data().bill.0;
        match entries.owed_fuel.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            fuel => {
                let latest = entries.latest.load(Ordering::Relaxed);
                take(&mut store, PRICE_LIST.host_calls[latest].name, fuel).await
            }
        }
    }
}

/// What a guest has left of its turn on a thread, in fuel.
#[derive(Debug)]
pub(crate) struct Turn {
    fuel_at_begin: u64,
    interval: u64,
}

impl Turn {
    pub(crate) fn new(fuel: u64, interval: u64) -> Self {
        Turn { fuel_at_begin: fuel, interval }
    }

    fn is_over(&self, fuel_left: u64) -> bool {
        self.fuel_at_begin.saturating_sub(fuel_left) >= self.interval
    }

    fn begin(&mut self, fuel_left: u64) {
        self.fuel_at_begin = fuel_left;
    }
}

#[cfg(test)]
mod tests {
    use super::{Bill, HostCalls, Turn};
    use crate::price_list::HostCall;

    #[test]
    fn a_turn_is_over_after_its_interval() {
        let mut turn = Turn::new(1000, 100);
        assert!(!turn.is_over(901));
        assert!(turn.is_over(900));
        turn.begin(900);
        assert!(!turn.is_over(801));
    }

    #[test]
    fn a_bill_names_what_was_called() {
        let bill = Bill::default();
        bill.add(HostCall::Random, 8);
        bill.add(HostCall::Random, 0);
        bill.add_units(HostCall::Random, 1);
        let random = HostCalls { name: "wasi:random", calls: 2, fuel: 20_900 };
        assert_eq!(bill.calls(), [random]);
    }
}
