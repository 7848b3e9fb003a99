//! The memory of one run: every memory and table of its instances, added up.

use wasmtime::ResourceLimiter;

use crate::shape::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};

/// What Wasmtime reserves for one element of a table.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// A guest asked for more than its limit.
#[derive(Debug, thiserror::Error)]
#[error("memory limit: {asked_bytes} of {limit_bytes} bytes")]
pub(crate) struct MemoryLimitBroken {
    pub(crate) limit_bytes: usize,
    pub(crate) asked_bytes: usize,
}

/// The host could not give what the guest was allowed to have.
#[derive(Debug, thiserror::Error)]
#[error("the host has no memory left for the guest: {0}")]
pub(crate) struct HostMemoryShort(String);

/// Adds up what a guest takes and stops it at its limit.
///
/// Going over the limit ends the run, rather than letting `memory.grow` fail: how much there is
/// depends on the budget, and an answer must not. Only what the guest itself declares as a
/// maximum fails in the guest, as the specification says.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    limit_bytes: usize,
    table_elements_max: usize,
    used_bytes: usize,
    peak_bytes: usize,
}

impl MemoryMeter {
    pub(crate) fn new(limit_bytes: usize, table_elements_max: usize) -> Self {
        MemoryMeter { limit_bytes, table_elements_max, used_bytes: 0, peak_bytes: 0 }
    }

    pub(crate) fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    fn grow(&mut self, from: usize, to: usize, declared: bool) -> wasmtime::Result<bool> {
        let asked_bytes = self.used_bytes.saturating_sub(from).saturating_add(to);
        if asked_bytes > self.limit_bytes {
            return Err(wasmtime::Error::new(MemoryLimitBroken {
                limit_bytes: self.limit_bytes,
                asked_bytes,
            }));
        }
        if declared {
            self.used_bytes = asked_bytes;
            self.peak_bytes = self.peak_bytes.max(asked_bytes);
        }
        Ok(declared)
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(current, desired, maximum.is_none_or(|max| desired <= max))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let max = maximum.map_or(self.table_elements_max, |max| max.min(self.table_elements_max));
        self.grow(
            current.saturating_mul(TABLE_ELEMENT_BYTES),
            desired.saturating_mul(TABLE_ELEMENT_BYTES),
            desired <= max,
        )
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(HostMemoryShort(error.to_string())))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(HostMemoryShort(error.to_string())))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{HostMemoryShort, MemoryLimitBroken, MemoryMeter, TABLE_ELEMENT_BYTES};
    use wasmtime::ResourceLimiter;

    #[test]
    fn adds_memories_and_tables_up() {
        let mut meter = MemoryMeter::new(1000, 50);
        assert!(meter.memory_growing(0, 300, None).unwrap());
        assert!(meter.memory_growing(0, 200, None).unwrap());
        assert!(meter.memory_growing(300, 400, None).unwrap());
        assert!(meter.table_growing(0, 50, None).unwrap());
        assert_eq!(meter.peak_bytes(), 600 + 50 * TABLE_ELEMENT_BYTES);
        let stop = meter.memory_growing(200, 201, None).unwrap_err();
        let stop = stop.downcast_ref::<MemoryLimitBroken>().unwrap();
        assert_eq!((stop.limit_bytes, stop.asked_bytes), (1000, 1001));
    }

    #[test]
    fn lets_a_declared_maximum_fail_in_the_guest() {
        let mut meter = MemoryMeter::new(1000, 50);
        assert!(!meter.memory_growing(0, 300, Some(200)).unwrap());
        assert!(!meter.table_growing(0, 51, None).unwrap());
        assert_eq!(meter.peak_bytes(), 0);
    }

    #[test]
    fn a_host_without_memory_is_no_fault_of_the_guest() {
        let error = MemoryMeter::new(1000, 50)
            .memory_grow_failed(wasmtime::Error::msg("no pages"))
            .unwrap_err();
        assert!(error.is::<HostMemoryShort>());
    }
}
