//! A thousand services on one host: how soon it starts, and what calls over all of them take.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stokehold_tests::server::{Server, assert_clean};

use crate::guests::{self, account, params, sell};
use crate::load::{Load, address, rpc};
use crate::process::Held;
use crate::report::Section;

const SERVICES: u64 = 1_000;
const CALLS: u64 = 10_000;
const CONNECTIONS: usize = 16;

/// Publishes the services, each with a component of its own, starts the host anew and calls them.
pub(crate) fn measure() -> Result<Section> {
    let mut section = Section::new(&["took_ms", "resident_mib", "anonymous_mib", "files"]);
    let data = tempfile::tempdir()?;
    let server = Server::sandbox(data.path());
    let start = Instant::now();
    for number in 0..SERVICES {
        let component = guests::echo_number(u32::try_from(number)?);
        sell(&server, &name(number), "credits_per_call = 0.001\n", &component);
        guests::grant(&server, &name(number), 1);
    }
    add(&mut section, "publish 1,000 services", start, &server)?;
    server.stop();
    let start = Instant::now();
    let server = Server::sandbox(data.path());
    add(&mut section, "start with a warm cache", start, &server)?;
    let at = address(&server.address)?;
    for (name, calls) in [
        ("one call of each", SERVICES),
        ("1,000 calls more", SERVICES),
        ("10,000 calls more", CALLS),
    ] {
        let start = Instant::now();
        call(at, calls)?;
        add(&mut section, name, start, &server)?;
    }
    server.stop();
    assert_clean(data.path());
    Ok(section)
}

fn name(number: u64) -> String {
    format!("service-{number}")
}

fn add(section: &mut Section, name: &str, start: Instant, server: &Server) -> Result<()> {
    let took_ms = start.elapsed().as_secs_f64() * 1e3;
    let held = Held::by(server.pid())?;
    section.add(name, vec![took_ms, held.resident_mib, held.anonymous_mib, held.files]);
    Ok(())
}

/// Calls the services in turn.
fn call(at: SocketAddr, calls: u64) -> Result<()> {
    let request = |number: u64| {
        let path = format!("/services/{}/echo", name(number % SERVICES));
        rpc(&path, &params(&account(0, 1)), number)
    };
    // Longer than it takes.
    let until = Instant::now() + Duration::from_mins(10);
    let (connections, pause) = (CONNECTIONS, Duration::ZERO);
    let load = Load { address: at, connections, until, pause, request: &request, good: "world" };
    let answered = u64::try_from(load.run_so_many(calls)?.count())?;
    ensure!(answered == calls, "{answered} of {calls} calls were answered");
    Ok(())
}
