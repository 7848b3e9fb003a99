//! How large a runtime is.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

const MIB: usize = 1 << 20;

/// How large a runtime is. Each default stands with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads that run guests. All cores by default: they yield to the broker's threads by
    /// their lower priority, so an idle broker leaves no core unused.
    pub guest_threads: usize,
    /// Guests that exist at the same time; further ones wait. 256 by default: the pool reserves
    /// about 8 GiB of addresses for each, and 2 TiB fit well into the 128 TiB of a process.
    pub instances_max: u32,
    /// The largest memory of a guest, in bytes. 256 MiB by default: what the largest guest
    /// toolchain in use (Python) needs, twice over.
    pub memory_bytes_max: usize,
    /// The most elements of one table. 20,000 by default: debug builds of managed languages
    /// have been seen with over 10,000.
    pub table_elements_max: usize,
    /// The largest component that is compiled, in bytes. 64 MiB by default: a Python guest with
    /// its interpreter has about 40 MiB.
    pub component_bytes_max: usize,
    /// Fuel between two moments at which a guest lets others run. 1,000,000 by default, about
    /// 0.1 ms: less costs measurable time, more makes deadlines coarse.
    pub fuel_yield_interval: u64,
    /// Memory of a finished guest that stays mapped for the next one, in bytes. 2 MiB by
    /// default: together with page-map scanning it had the best latencies at the tail.
    pub keep_resident_bytes: usize,
    /// Whether each run tells where its fuel went. Not by default: it takes time, and other machine
    /// code.
    pub profile: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            guest_threads: available_parallelism().map_or(1, NonZeroUsize::get),
            instances_max: 256,
            memory_bytes_max: 256 * MIB,
            table_elements_max: 20_000,
            component_bytes_max: 64 * MIB,
            fuel_yield_interval: 1_000_000,
            keep_resident_bytes: 2 * MIB,
            profile: false,
        }
    }
}
