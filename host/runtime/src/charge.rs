//! The functions of `charge`: what a running call may know of its own charge, and do about it.
//!
//! Each is paid for from the guest's own fuel. The engine counts none while the host works, so a
//! guest could otherwise have the host work for nothing.

use wasmtime::component::Linker;

use crate::bill::pay;
use crate::contract::CHARGE;
use crate::instance::State;
use crate::price_list::HostCall;

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
            pay(&mut store, HostCall::Charge, 0).await?;
            Ok((store.data().charge.authorized,))
        })
    })?;
    charge.func_wrap_async("fuel-remaining", |mut store, ()| {
        Box::new(async move {
            pay(&mut store, HostCall::Charge, 0).await?;
            // What is kept back stays hidden to the end: a guest that works while there is fuel left
            // would burn it as well.
            let reserve = store.data().charge.reserve_fuel;
            Ok((store.get_fuel()?.saturating_sub(reserve),))
        })
    })?;
    charge.func_wrap_async("capture-at-most", |mut store, (amount,): (u64,)| {
        Box::new(async move {
            pay(&mut store, HostCall::Charge, 0).await?;
            let most = &mut store.data_mut().charge.capture_at_most;
            *most = Some(most.map_or(amount, |most| most.min(amount)));
            Ok(())
        })
    })?;
    charge.func_wrap_async("progress", |mut store, (fraction, message): (f32, String)| {
        Box::new(async move {
            pay(&mut store, HostCall::Progress, message.len()).await?;
            store.data_mut().log.push(&line(fraction, &message));
            Ok(())
        })
    })
}

/// A fraction that is no number counts as nothing done.
fn line(fraction: f32, message: &str) -> String {
    let percent = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) * 100.0 };
    format!("{percent:.0} % {message}")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_has_a_percentage_whatever_the_guest_says() {
        let said = [0.5, -1.0, 7.0, f32::NAN, f32::INFINITY].map(|fraction| line(fraction, "x"));
        assert_eq!(said, ["50 % x", "0 % x", "100 % x", "0 % x", "100 % x"]);
    }
}
