//! Random bytes, from the operating system: also where WASI would take worse ones.

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::bill::Bill;
use crate::instance::State;
use crate::price_list::HostCall;

/// Random bytes of one call: far more than a key or a nonce takes.
const BYTES_MAX: usize = 64 << 10;

struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = Random<'a>;
}

struct Random<'a>(&'a Bill);

fn random_of(state: &mut State) -> Random<'_> {
    state.bill.add(HostCall::Random, 0);
    Random(&state.bill)
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    random::add_to_linker::<_, HasRandom>(linker, random_of)?;
    insecure::add_to_linker::<_, HasRandom>(linker, random_of)?;
    insecure_seed::add_to_linker::<_, HasRandom>(linker, random_of)
}

impl Random<'_> {
    fn bytes(&self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > BYTES_MAX {
            let text = format!("{count} random bytes in one call; the limit is {BYTES_MAX}");
            return Err(wasmtime::Error::msg(text));
        }
        self.bill(count);
        let mut bytes = vec![0; count];
        getrandom::fill(&mut bytes).map_err(wasmtime::Error::new)?;
        Ok(bytes)
    }

    fn number(&self) -> wasmtime::Result<u64> {
        self.bill(size_of::<u64>());
        getrandom::u64().map_err(wasmtime::Error::new)
    }

    fn bill(&self, bytes: usize) {
        self.0.add_units(HostCall::Random, bytes);
    }
}

impl random::Host for Random<'_> {
    fn get_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.number()
    }
}

impl insecure::Host for Random<'_> {
    fn get_insecure_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.number()
    }
}

impl insecure_seed::Host for Random<'_> {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.number()?, self.number()?))
    }
}
