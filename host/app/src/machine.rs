//! What the settings of a host mean for its runtime.

use std::time::Duration;

use stokehold_runtime::{
    CacheSettings, CompileSettings, LibrarySettings, Network, NetworkSettings, Settings,
    ShelfSettings,
};

use crate::config::Config;

/// Machine code is kept beside the database, in a directory of its own.
const CACHE: &str = "cache";

pub(crate) fn runtime_settings(config: &Config) -> Settings {
    let mut settings = Settings::default();
    // Each running call has one guest at a time; some places stay free for uploads' checks.
    settings.instances_max = settings.instances_max.max(config.calls.running_max);
    settings.memory_bytes_max = mebibytes(config.calls.memory_mib_max);
    settings.component_bytes_max = config.server.upload_bytes_max;
    if let Some(threads) = config.runtime.guest_threads {
        settings.guest_threads = threads;
    }
    settings.profile = config.runtime.profile;
    settings
}

/// The network as services may use it. What cannot be read of it was refused with the settings.
pub(crate) fn network(config: &Config) -> Network {
    let outbound = &config.outbound;
    Network::new(NetworkSettings {
        hosts: outbound.hosts.iter().filter_map(|host| host.parse().ok()).collect(),
        authorities: outbound.authorities().unwrap_or_default(),
        private_addresses: outbound.private_addresses,
        requests_max: outbound.requests_max,
        body_bytes_max: outbound.body_bytes_max,
        connect_time_max: Duration::from_secs(outbound.connect_s_max),
    })
}

/// Where a host keeps machine code, beside its database.
pub(crate) fn cache_settings(config: &Config, secret: [u8; 32]) -> CacheSettings {
    let bytes_max = u64::from(config.runtime.cache_mib_max) << 20;
    CacheSettings { directory: config.store.data.join(CACHE), secret, bytes_max }
}

/// How programs are compiled and kept; machine code on disk where it has a place there.
pub(crate) fn library_settings(config: &Config, cache: Option<CacheSettings>) -> LibrarySettings {
    let runtime = &config.runtime;
    let bytes = |mebibytes: u32| u64::from(mebibytes) << 20;
    LibrarySettings {
        compile: CompileSettings {
            program: runtime.compiler.clone(),
            memory_bytes_max: bytes(runtime.compile_mib_max),
            time_max: Duration::from_secs(runtime.compile_s_max),
            at_once_max: runtime.compilers_max,
        },
        cache,
        memory: ShelfSettings {
            programs_max: runtime.programs_max,
            code_bytes_max: mebibytes(runtime.programs_mib_max),
        },
    }
}

pub(crate) fn mebibytes(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(1 << 20)
}
