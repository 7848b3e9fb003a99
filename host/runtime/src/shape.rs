//! How many parts a component may have, so that every instance fits into the pool.

use wasmtime::ResourcesRequired;

use crate::fault::Fault;
use crate::settings::Settings;

/// Core instances of one component: toolchains for Python link some 30 modules.
pub(crate) const CORE_INSTANCES_MAX: u32 = 64;
/// Memories of one component: one, or two where two components were composed.
pub(crate) const MEMORIES_MAX: u32 = 2;
/// Tables of one component: its own, and one for each adapter between its modules.
pub(crate) const TABLES_MAX: u32 = 8;

const PAGE_BYTES: u64 = 65_536;

/// What a component takes from the start.
pub(crate) struct Shape {
    pub(crate) memories: u32,
    pub(crate) memory_bytes_min: u64,
    pub(crate) tables: u32,
    pub(crate) table_elements_min: u64,
}

impl Shape {
    pub(crate) fn new(required: &ResourcesRequired) -> Self {
        Shape {
            memories: required.num_memories,
            memory_bytes_min: required
                .max_initial_memory_size
                .unwrap_or(0)
                .saturating_mul(PAGE_BYTES),
            tables: required.num_tables,
            table_elements_min: required.max_initial_table_size.unwrap_or(0),
        }
    }

    pub(crate) fn faults(&self, settings: &Settings) -> Vec<Fault> {
        let limits = [
            (
                "memories",
                u64::from(self.memories),
                u64::from(MEMORIES_MAX),
                "link its modules into one",
            ),
            (
                "bytes in a memory at the start",
                self.memory_bytes_min,
                u64::try_from(settings.memory_bytes_max).unwrap_or(u64::MAX),
                "lower the linker's initial memory and stack size, or keep less static data",
            ),
            ("tables", u64::from(self.tables), u64::from(TABLES_MAX), "link its modules into one"),
            (
                "elements in a table at the start",
                self.table_elements_min,
                u64::try_from(settings.table_elements_max).unwrap_or(u64::MAX),
                "build it optimised, which leaves out functions that nothing calls",
            ),
        ];
        limits
            .into_iter()
            .filter(|(_, found, max, _)| found > max)
            .map(|(what, found, max, mend)| {
                Fault::new(
                    format!("the component has {found} {what}; this host allows {max}"),
                    mend,
                )
            })
            .collect()
    }
}
