//! The standard streams: what a guest prints goes to its call's log, and there is nothing to read.

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::cli::{stderr, stdin, stdout};
use wasmtime_wasi::p2::pipe::ClosedInputStream;
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, OutputStream, StreamResult};

use crate::bill::Bill;
use crate::instance::State;
use crate::log::{Log, Stream};
use crate::price_list::HostCall;

/// What a guest may write at a time, in bytes: it is told so and splits what is longer.
const WRITE_BYTES_MAX: usize = 64 << 10;

struct HasStdio;

impl HasData for HasStdio {
    type Data<'a> = Stdio<'a>;
}

struct Stdio<'a> {
    table: &'a mut ResourceTable,
    log: Log,
    bill: Bill,
}

fn stdio_of(state: &mut State) -> Stdio<'_> {
    let (log, bill) = (state.log.clone(), state.bill.clone());
    Stdio { table: &mut state.serve(HostCall::Cli).table, log, bill }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    stdin::add_to_linker::<_, HasStdio>(linker, stdio_of)?;
    stdout::add_to_linker::<_, HasStdio>(linker, stdio_of)?;
    stderr::add_to_linker::<_, HasStdio>(linker, stdio_of)
}

impl Stdio<'_> {
    fn output(&mut self, stream: Stream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let lines = LogStream { stream, log: self.log.clone(), bill: self.bill.clone() };
        let lines: DynOutputStream = Box::new(lines);
        Ok(self.table.push(lines)?)
    }
}

impl stdin::Host for Stdio<'_> {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        let nothing: DynInputStream = Box::new(ClosedInputStream);
        Ok(self.table.push(nothing)?)
    }
}

impl stdout::Host for Stdio<'_> {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Out)
    }
}

impl stderr::Host for Stdio<'_> {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Err)
    }
}

/// A standard stream that ends in the log.
struct LogStream {
    stream: Stream,
    log: Log,
    bill: Bill,
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.bill.add_units(HostCall::Cli, bytes.len());
        self.log.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}
