//! `wasi:config`: what the manifest says to its own service, and the secrets that it names.

use std::collections::BTreeMap;

use wasmtime::component::{HasData, Linker};

use super::bindings::wasi::config::store;
use crate::instance::State;
use crate::price_list::HostCall;

struct HasConfig;

impl HasData for HasConfig {
    type Data<'a> = Config<'a>;
}

struct Config<'a> {
    config: &'a BTreeMap<String, String>,
    secrets: &'a BTreeMap<String, String>,
}

fn config_of(state: &mut State) -> Config<'_> {
    state.bill.add(HostCall::Config, 0);
    Config { config: &state.access.config, secrets: &state.access.secrets }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, HasConfig>(linker, config_of)
}

impl store::Host for Config<'_> {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        Ok(Ok(self.config.get(&key).or_else(|| self.secrets.get(&key)).cloned()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        let all =
            self.config.iter().chain(self.secrets).map(|(key, value)| (key.clone(), value.clone()));
        Ok(Ok(all.collect()))
    }
}
