//! The functions of `charge`: what a running call may know of its own charge, and do about it.
//!
//! Each is paid for from the guest's own fuel. The engine counts none while the host works, so a
//! guest could otherwise have the host work for nothing.

use wasmtime::component::Linker;
use wasmtime::{StoreContextMut, Trap};

use crate::contract::CHARGE;
use crate::instance::State;
use crate::price_list::PRICE_LIST;

/// What a guest may know of its charge, and what it has said about it.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) authorized: u64,
    pub(crate) reserve_fuel: u64,
    pub(crate) capture_at_most: Option<u64>,
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut charge = linker.instance(CHARGE.name)?;
    charge.func_wrap_async("authorized", |mut store, ()| {
        Box::new(async move {
            pay(&mut store, PRICE_LIST.call_fuel).await?;
            Ok((store.data().charge.authorized,))
        })
    })?;
    charge.func_wrap_async("fuel-remaining", |mut store, ()| {
        Box::new(async move {
            pay(&mut store, PRICE_LIST.call_fuel).await?;
            // What is kept back stays hidden to the end: a guest that works while there is fuel left
            // would burn it as well.
            let reserve = store.data().charge.reserve_fuel;
            Ok((store.get_fuel()?.saturating_sub(reserve),))
        })
    })?;
    charge.func_wrap_async("capture-at-most", |mut store, (amount,): (u64,)| {
        Box::new(async move {
            pay(&mut store, PRICE_LIST.call_fuel).await?;
            let most = &mut store.data_mut().charge.capture_at_most;
            *most = Some(most.map_or(amount, |most| most.min(amount)));
            Ok(())
        })
    })?;
    charge.func_wrap_async("progress", |mut store, (fraction, message): (f32, String)| {
        Box::new(async move {
            pay(&mut store, message_fuel(&message)).await?;
            store.data_mut().log.push(&line(fraction, &message));
            Ok(())
        })
    })
}

/// Takes `fuel` from the guest before the host works for it, and lets others run when it is
/// their turn.
async fn pay(store: &mut StoreContextMut<'_, State>, fuel: u64) -> wasmtime::Result<()> {
    let Some(left) = store.get_fuel()?.checked_sub(fuel) else {
        store.set_fuel(0)?;
        return Err(Trap::OutOfFuel.into());
    };
    // This starts the engine's own interval between yields anew: a guest that calls often would
    // never yield, and so never be stopped by its deadline, if it did not yield here.
    store.set_fuel(left)?;
    let turn = &mut store.data_mut().turn;
    if turn.is_over(left) {
        turn.begin(left);
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn message_fuel(message: &str) -> u64 {
    let bytes = u64::try_from(message.len()).unwrap_or(u64::MAX);
    PRICE_LIST.message_byte_fuel.saturating_mul(bytes).saturating_add(PRICE_LIST.progress_fuel)
}

/// A fraction that is no number counts as nothing done.
fn line(fraction: f32, message: &str) -> String {
    let percent = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) * 100.0 };
    format!("{percent:.0} % {message}")
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
    use super::{Turn, line};

    #[test]
    fn a_line_has_a_percentage_whatever_the_guest_says() {
        let said = [0.5, -1.0, 7.0, f32::NAN, f32::INFINITY].map(|fraction| line(fraction, "x"));
        assert_eq!(said, ["50 % x", "0 % x", "100 % x", "0 % x", "100 % x"]);
    }

    #[test]
    fn a_turn_is_over_after_its_interval() {
        let mut turn = Turn::new(1000, 100);
        assert!(!turn.is_over(901));
        assert!(turn.is_over(900));
        turn.begin(900);
        assert!(!turn.is_over(801));
    }
}
