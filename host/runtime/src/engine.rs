//! The one engine and its configuration.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails, WasmFeatures,
};

use crate::price_list::operator_costs;
use crate::settings::Settings;
use crate::shape::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};

/// Stack of a guest, in bytes. It is part of what a guest can see, so no machine may differ.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// What the core format allows. Our own limits are smaller, and `shape` names them better.
const PER_MODULE_MAX: u32 = 100;

/// Why a runtime does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is zero.
    #[error("the setting `{0}` is 0, and nothing could run\nhint: set at least 1")]
    Zero(&'static str),
    /// Wasmtime refuses its configuration.
    #[error(
        "the WebAssembly engine does not start: {0}\nhint: this machine may be of a kind that Wasmtime does not support"
    )]
    Engine(String),
    /// The operating system gives no threads.
    #[error(
        "the guests' threads do not start: {0}\nhint: raise the limit on threads, or set `guest_threads` lower"
    )]
    Threads(#[from] std::io::Error),
    /// There is no place for machine code.
    #[error(
        "the cache of machine code cannot be made: {0}\nhint: the data directory has to be writable"
    )]
    Cache(#[source] std::io::Error),
}

/// Makes the engine: with a pool of instances, or where the addresses for a pool are not to be
/// had, without one. Guests cannot tell the difference, only the operator's clock can.
pub(crate) fn start(settings: &Settings) -> Result<Engine, StartError> {
    let pool = InstanceAllocationStrategy::Pooling(pool(settings));
    Engine::new(config(settings.profile).allocation_strategy(pool)).or_else(|error| {
        tracing::warn!(
            error = format!("{error:#}"),
            "no pool of instances, calls start slower: \
             allow more address space (ulimit -v) or set `instances_max` lower"
        );
        let on_demand = InstanceAllocationStrategy::OnDemand;
        Engine::new(config(settings.profile).allocation_strategy(on_demand))
            .map_err(|error| StartError::Engine(format!("{error:#}")))
    })
}

/// Makes the engine of a compiler, which runs nothing and so needs no pool.
pub(crate) fn start_compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config(false))
}

/// What compiles and what runs share. The same component, request and budget give the same fuel
/// and the same answer on every machine, so what could differ is fixed or off.
fn config(profile: bool) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(operator_costs())
        // A yield every so much fuel and a time-out around the call stop a guest as surely as
        // epochs, which cost much on top of fuel. A profile is worth it.
        .epoch_interruption(profile)
        // Components of this contract are synchronous; without the bookkeeping for concurrent
        // ones a call starts much quicker.
        .concurrency_support(false)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_features(WasmFeatures::THREADS, false)
        // With pages of one byte `memory.grow` could fail for a reason that is not the host's.
        .wasm_custom_page_sizes(false)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .memory_init_cow(true)
        // Or an environment variable would decide.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

fn pool(settings: &Settings) -> PoolingAllocationConfig {
    let instances = settings.instances_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .max_memories_per_module(PER_MODULE_MAX)
        .max_memory_size(settings.memory_bytes_max)
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .max_tables_per_module(PER_MODULE_MAX)
        .table_elements(settings.table_elements_max)
        .linear_memory_keep_resident(settings.keep_resident_bytes)
        .table_keep_resident(settings.keep_resident_bytes)
        // Only pages that a guest has touched are cleared after it.
        .pagemap_scan(Enabled::Auto);
    pool
}
