//! `wasi:config`: what the manifest says to its own service.

use std::collections::BTreeMap;

use wasmtime::component::{HasData, Linker};

use super::bindings::wasi::config::store;
use crate::instance::State;
use crate::price_list::HostCall;

struct HasConfig;

impl HasData for HasConfig {
    type Data<'a> = Config<'a>;
}

struct Config<'a>(&'a BTreeMap<String, String>);

fn config_of(state: &mut State) -> Config<'_> {
    state.bill.add(HostCall::Config, 0);
    Config(&state.access.config)
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, HasConfig>(linker, config_of)
}

impl store::Host for Config<'_> {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        Ok(Ok(self.0.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        let all = self.0.iter().map(|(key, value)| (key.clone(), value.clone()));
        Ok(Ok(all.collect()))
    }
}
