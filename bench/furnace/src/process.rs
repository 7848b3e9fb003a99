//! What a process has of the machine, from the kernel's accounting.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

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

/// The CPU time that a process has used so far; exact to a tick of the kernel, mostly 10 ms.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Its name stands in brackets and may hold anything; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> Result<u64> { Ok(fields.get(at).context("a time")?.parse()?) };
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / clock_ticks_per_second()))
}
