//! The program that runs, once more: as a server in a process of its own, to be measured.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// How the line with the address begins that such a server prints.
pub const LISTENING: &str = "listening on ";

/// The process, which ends when this is dropped.
#[derive(Debug)]
pub struct Again {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Again {
    /// Starts this program with an argument, and returns when it listens. An error where it cannot
    /// be started, or says something else first.
    pub fn start(argument: &str) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(argument).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take();
        let mut again = Again { child, address: ([127, 0, 0, 1], 0).into() };
        let mut line = String::new();
        output.map_or(Ok(0), |output| BufReader::new(output).read_line(&mut line))?;
        let address = line.strip_prefix(LISTENING).and_then(|address| address.trim().parse().ok());
        again.address =
            address.ok_or_else(|| io::Error::other("it did not say where it listens"))?;
        Ok(again)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
