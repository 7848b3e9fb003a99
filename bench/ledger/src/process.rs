//! CPU time.

use std::fs;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this process has used so far, in microseconds.
pub(crate) fn own_cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    figure(time.tv_sec) * 1e6 + figure(time.tv_nsec) / 1e3
}

/// The CPU time that another process has used so far, in microseconds; exact to a tick of the
/// kernel, mostly 10 ms.
pub(crate) fn cpu_us(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Its name stands in brackets and may hold anything; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("a time")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) * 1e6 / figure(i64::try_from(clock_ticks_per_second())?))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people: 52 bits are plenty")]
fn figure(number: i64) -> f64 {
    number as f64
}
