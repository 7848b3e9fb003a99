//! A component on Wasmtime alone, with as much metering as is asked for.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stokehold_tests::binary;
use wasmtime::component::{Component, Linker};
use wasmtime::error::Context as _;
use wasmtime::{Config, Engine, Result, Store, ensure};

mod bindings {
    //! The contract, as a host sees it.
    wasmtime::component::bindgen!({
        path: "../../wit/service-0.1.0",
        world: "paid-service",
        exports: { default: async },
    });
}

use self::bindings::stokehold::service::types::Request;
use self::bindings::{PaidService, PaidServicePre};

const CHARGE: &str = "stokehold:service/charge@0.1.0";

/// How a guest is metered.
#[derive(Clone, Copy)]
pub(crate) enum Meter {
    None,
    Fuel,
    FuelAndEpochs,
}

/// The coal roller and the JSON mill, metered or not.
pub(crate) struct Bare {
    meter: Meter,
    coal_roller: PaidServicePre<Hearth>,
    json_mill: PaidServicePre<Hearth>,
}

/// What the guest is told of its fuel: so much less each time it asks, whatever it burns. So it does
/// the same work with and without a meter.
struct Hearth {
    fuel_left: u64,
}

const FUEL_STEP: u64 = 1_000_000;

impl Bare {
    pub(crate) fn new(meter: Meter) -> Result<Self> {
        let mut config = Config::new();
        // As in the runtime, but for the meter.
        config
            .consume_fuel(!matches!(meter, Meter::None))
            .epoch_interruption(matches!(meter, Meter::FuelAndEpochs))
            .concurrency_support(false)
            .cranelift_nan_canonicalization(true);
        let engine = Engine::new(&config)?;
        let mut linker = Linker::<Hearth>::new(&engine);
        let mut charge = linker.instance(CHARGE)?;
        charge.func_wrap("authorized", |_, ()| Ok((1_000_000u64,)))?;
        charge.func_wrap("fuel-remaining", |mut store, ()| {
            let left = &mut store.data_mut().fuel_left;
            *left = left.saturating_sub(FUEL_STEP);
            Ok((*left,))
        })?;
        charge.func_wrap("capture-at-most", |_, (_,): (u64,)| Ok(()))?;
        charge.func_wrap("progress", |_, (_, _): (f32, String)| Ok(()))?;
        let coal_roller = load(&linker, "coalroller")?;
        let json_mill = load(&linker, "jsonmill")?;
        Ok(Self { meter, coal_roller, json_mill })
    }

    fn store(&self, hashes: u64) -> Result<Store<Hearth>> {
        let fuel_left = FUEL_STEP.saturating_mul(hashes.saturating_add(2));
        let mut store = Store::new(self.coal_roller.engine(), Hearth { fuel_left });
        if !matches!(self.meter, Meter::None) {
            store.set_fuel(u64::MAX)?;
            store.fuel_async_yield_interval(Some(1_000_000))?;
        }
        if matches!(self.meter, Meter::FuelAndEpochs) {
            store.set_epoch_deadline(1 << 40);
        }
        Ok(store)
    }

    /// How long it takes to roll so many hashes.
    pub(crate) async fn roll(&self, hashes: u64) -> Result<Duration> {
        let mut store = self.store(hashes)?;
        let service = self.coal_roller.instantiate_async(&mut store).await?;
        let start = Instant::now();
        let answer = handle(&service, &mut store, "roll", r#"{"credits":1}"#.to_owned()).await?;
        let took = start.elapsed();
        ensure!(answer.contains(&format!("\"hashes\":{hashes},")), "another count: {answer}");
        Ok(took)
    }

    /// How long it takes to read this JSON into a tree and to write it again.
    pub(crate) async fn mill(&self, params: &str) -> Result<Duration> {
        let mut store = self.store(1)?;
        let service = self.json_mill.instantiate_async(&mut store).await?;
        let start = Instant::now();
        handle(&service, &mut store, "mill", params.to_owned()).await?;
        Ok(start.elapsed())
    }
}

fn load(linker: &Linker<Hearth>, name: &str) -> Result<PaidServicePre<Hearth>> {
    let path = plugin(name);
    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let component = Component::new(linker.engine(), bytes)?;
    PaidServicePre::new(linker.instantiate_pre(&component)?)
}

/// Where the component of a plugin is.
pub(crate) fn plugin(name: &str) -> PathBuf {
    binary::root().join(format!("plugins/{name}/{name}.wasm"))
}

fn request(route: &str, params: String) -> Request {
    Request {
        call_id: "0198f6c1-8d0a-7c3e-9a55-3f0c2b1d4e5f".to_owned(),
        route: route.to_owned(),
        params,
        client_id: "client".to_owned(),
    }
}

async fn handle(
    service: &PaidService,
    store: &mut Store<Hearth>,
    route: &str,
    params: String,
) -> Result<String> {
    let request = request(route, params);
    let answer = service.stokehold_service_service().call_handle(store, &request).await?;
    answer.map_err(|failure| wasmtime::format_err!("the guest failed: {failure:?}"))
}
