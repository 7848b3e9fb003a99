//! What a process has of the machine, from the kernel's accounting.

use std::fs;

use anyhow::{Context, Result};

/// What a process has at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Memory that is in the machine, in MiB.
    pub(crate) resident_mib: f64,
    /// As much of it as is no file's.
    pub(crate) anonymous_mib: f64,
    /// Open files, sockets among them.
    pub(crate) files: f64,
    pub(crate) threads: f64,
}

impl Held {
    pub(crate) fn by(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_whitespace().next());
            Ok(value.with_context(|| format!("no {name}"))?.parse()?)
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Self {
            resident_mib: number("VmRSS:")? / 1024.0,
            anonymous_mib: number("RssAnon:")? / 1024.0,
            files: f64::from(u32::try_from(files)?),
            threads: number("Threads:")?,
        })
    }
}
