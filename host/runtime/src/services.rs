//! What a guest may import beside the contract: WASI 0.2, without files and sockets.
//!
//! `wasmtime-wasi` and `wasmtime-wasi-http` do what WASI asks for. What is ours is around them: each
//! call is put on the bill as it comes in, the standard streams lead to the call's log, random
//! bytes are paid by the byte, and requests go where they may. A guest that imports none of it
//! costs nothing for it, and a guest that does gets its context at its first call.

mod address;
mod bindings;
mod config;
mod http;
mod key_value;
mod logging;
mod outbound;
mod random;
mod stdio;
mod tls;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{LinkOptions, cli, clocks, filesystem, sockets};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io;

pub use self::key_value::{KeyValue, KeyValueError, KeyValueFuture};
pub use self::outbound::{Host, HostError, Network, NetworkSettings, Outbound};
pub use self::tls::{Authorities, AuthoritiesError};

use self::http::Http;
use crate::instance::State;
use crate::price_list::HostCall;

/// Handles that a guest may hold at the same time, to streams, requests and the like. 1,000 is
/// far more than an honest guest has; each takes some hundred bytes of the host's memory.
pub(crate) const HANDLES_MAX: usize = 1_000;

/// What the host keeps for a guest that uses WASI.
pub(crate) struct Services {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: Http,
}

impl Services {
    /// No arguments, no environment, no directory, no address.
    fn new(state: &State) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        let http = Http::new(state.access.outbound.clone(), state.bill.clone(), state.log.clone());
        Services { table, wasi: wasi.build(), http }
    }
}

impl State {
    fn services(&mut self) -> &mut Services {
        if self.services.is_none() {
            self.services = Some(Box::new(Services::new(self)));
        }
        #[expect(clippy::expect_used, reason = "it was set just now")]
        self.services.as_mut().expect("services")
    }

    /// The services, for a call that costs so much.
    fn serve(&mut self, call: HostCall) -> &mut Services {
        self.bill.add(call, 0);
        self.services()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let services = self.services();
        WasiCtxView { ctx: &mut services.wasi, table: &mut services.table }
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

fn io_of(state: &mut State) -> &mut ResourceTable {
    &mut state.serve(HostCall::Io).table
}

fn cli_of(state: &mut State) -> WasiCliCtxView<'_> {
    state.bill.add(HostCall::Cli, 0);
    state.cli()
}

fn clocks_of(state: &mut State) -> WasiClocksCtxView<'_> {
    state.bill.add(HostCall::Clocks, 0);
    state.clocks()
}

fn filesystem_of(state: &mut State) -> WasiFilesystemCtxView<'_> {
    state.bill.add(HostCall::Filesystem, 0);
    state.filesystem()
}

fn sockets_of(state: &mut State) -> WasiSocketsCtxView<'_> {
    state.bill.add(HostCall::Sockets, 0);
    state.sockets()
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<_, HasTable>(linker, io_of)?;
    io::poll::add_to_linker::<_, HasTable>(linker, io_of)?;
    io::streams::add_to_linker::<_, HasTable>(linker, io_of)?;
    clocks::wall_clock::add_to_linker::<_, WasiClocks>(linker, clocks_of)?;
    clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(linker, clocks_of)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, cli_of)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, filesystem_of)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, filesystem_of)?;
    add_sockets(linker)?;
    stdio::add_to_linker(linker)?;
    random::add_to_linker(linker)?;
    config::add_to_linker(linker)?;
    logging::add_to_linker(linker)?;
    key_value::add_to_linker(linker)?;
    http::add_to_linker(linker)
}

fn add_sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    sockets::network::add_to_linker::<_, WasiSockets>(linker, &(&options).into(), sockets_of)?;
    sockets::instance_network::add_to_linker::<_, WasiSockets>(linker, sockets_of)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(linker, sockets_of)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(linker, sockets_of)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(linker, sockets_of)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(linker, sockets_of)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(linker, sockets_of)
}
