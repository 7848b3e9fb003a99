//! Processes that are measured, and CPU time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

use crate::bare::LISTENING;

/// The bare handler in a process of its own, which ends when this is dropped.
pub(crate) struct Bare {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts it, and returns when it listens.
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("bare").stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("it has an output")?;
        let mut bare = Self { child, address: ([127, 0, 0, 1], 0).into() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.strip_prefix(LISTENING).context("the bare handler did not start")?;
        bare.address = address.trim().parse()?;
        Ok(bare)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
