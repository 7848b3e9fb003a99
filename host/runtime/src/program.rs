//! A component that has passed every check and is ready to run.

use std::fmt;
use std::sync::Arc;

use crate::bindings::PaidServicePre;
use crate::instance::State;

/// A component that has passed every check and is ready to run. Cheap to clone; it belongs to
/// the runtime that loaded it.
#[derive(Clone)]
pub struct Program {
    pre: PaidServicePre<State>,
    report: Arc<Report>,
    code_bytes: usize,
    uses_services: bool,
}

impl Program {
    pub(crate) fn new(pre: PaidServicePre<State>, report: Report, code_bytes: usize) -> Self {
        let uses_services = report.imports.iter().any(|name| name.starts_with("wasi:"));
        Program { pre, report: Arc::new(report), code_bytes, uses_services }
    }

    /// What the checks found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Size of the machine code, in bytes.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// Whether it imports more than the contract: then what its host does is collected as it runs.
    pub(crate) fn uses_services(&self) -> bool {
        self.uses_services
    }

    pub(crate) fn pre(&self) -> &PaidServicePre<State> {
        &self.pre
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.report).finish()
    }
}

/// What is known of a component without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// SHA-256 of the component, in hexadecimal: its identity.
    pub digest: String,
    /// Size of the component, in bytes.
    pub size_bytes: usize,
    /// What it imports, by name.
    pub imports: Vec<String>,
    /// What it exports, by name.
    pub exports: Vec<String>,
    /// Memories of all its core instances.
    pub memories: u32,
    /// The largest of them at the start, in bytes.
    pub memory_bytes_min: u64,
    /// Tables of all its core instances.
    pub tables: u32,
    /// The largest of them at the start, in elements.
    pub table_elements_min: u64,
}
