//! From bytes to a program, or to every reason why not.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::PaidServicePre;
use crate::compiler;
use crate::contract;
use crate::fault::{Fault, Faults};
use crate::instance::State;
use crate::library::digest;
use crate::program::{Program, Report};
use crate::settings::Settings;
use crate::shape::Shape;

/// `\0asm`, then version 1 of the core format.
const CORE_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
const MAGIC: &[u8] = b"\0asm";

/// A component can have a million faults; nobody mends more than these at a time.
const FAULTS_MAX: usize = 100;

pub(crate) struct Loader {
    linker: Linker<State>,
    settings: Settings,
}

impl Loader {
    pub(crate) fn new(linker: Linker<State>, settings: &Settings) -> Self {
        Loader { linker, settings: settings.clone() }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.linker.engine()
    }

    /// Compiles here and checks.
    pub(crate) fn load(&self, bytes: &[u8]) -> Result<Program, Faults> {
        self.check_bytes(bytes)?;
        let engine = self.linker.engine();
        let component = Component::new(engine, bytes)
            .map_err(|error| compiler::not_compiled(&format!("{error:#}")))?;
        self.finish(&component, digest(bytes), bytes.len())
    }

    /// What can be told without compiling.
    pub(crate) fn check_bytes(&self, bytes: &[u8]) -> Result<(), Fault> {
        check_bytes(bytes, self.settings.component_bytes_max)
    }

    /// Checks a compiled component of that digest and size, and links it.
    pub(crate) fn finish(
        &self,
        component: &Component,
        digest: String,
        size_bytes: usize,
    ) -> Result<Program, Faults> {
        let engine = self.linker.engine();
        let mut faults = contract::faults(engine, &component.component_type());
        // `None` only where a component imports modules, which is a fault already.
        let shape = component.resources_required().as_ref().map(Shape::new);
        faults.extend(shape.iter().flat_map(|shape| shape.faults(&self.settings)));
        let (true, Some(shape)) = (faults.is_empty(), shape) else {
            return Err(at_most(FAULTS_MAX, faults));
        };
        let pre = self.linker.instantiate_pre(component);
        let pre = pre.and_then(PaidServicePre::new);
        let pre = pre.map_err(|error| {
            Fault::new(
                format!("the component does not fit this host: {error:#}"),
                "build it against wit/service-0.1.0 of this host",
            )
        })?;
        let code = component.image_range();
        let code_bytes = code.end.addr().saturating_sub(code.start.addr());
        let report = report(engine, digest, size_bytes, component, &shape);
        Ok(Program::new(pre, report, code_bytes))
    }
}

/// What can be told without compiling.
fn check_bytes(bytes: &[u8], bytes_max: usize) -> Result<(), Fault> {
    if bytes.len() > bytes_max {
        return Err(Fault::new(
            format!("the component has {} bytes; this host allows {bytes_max}", bytes.len()),
            "build it optimised for size and without debug information",
        ));
    }
    if bytes.is_empty() {
        return Err(Fault::new("the component is empty", "upload the built .wasm file"));
    }
    if bytes.starts_with(&CORE_MODULE) {
        return Err(Fault::new(
            "this is a core WebAssembly module, not a component",
            "make a component of it: `stokehold build` does, and so does `wasm-tools component new`",
        ));
    }
    if bytes.starts_with(MAGIC) {
        return Ok(());
    }
    if is_text_format(bytes) {
        return Err(Fault::new(
            "this is WebAssembly as text, not as a binary",
            "turn it into a binary: `wasm-tools parse` does",
        ));
    }
    let first = &bytes[..bytes.len().min(MAGIC.len())];
    Err(Fault::new(
        format!("this is not WebAssembly: it starts with {first:02x?}, not with {MAGIC:02x?}"),
        "upload the built .wasm file, not compressed and not in an archive",
    ))
}

/// Text that starts with a parenthesis or a comment of the text format.
fn is_text_format(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    str::from_utf8(bytes).is_ok() && (text.starts_with(b"(") || text.starts_with(b";;"))
}

fn at_most(max: usize, mut faults: Vec<Fault>) -> Faults {
    let more = faults.len().saturating_sub(max);
    faults.truncate(max);
    if more > 0 {
        faults.push(Fault::new(format!("and {more} faults more"), "mend those above first"));
    }
    Faults(faults)
}

fn report(
    engine: &Engine,
    digest: String,
    size_bytes: usize,
    component: &Component,
    shape: &Shape,
) -> Report {
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, _)| name.to_owned());
    let exports = ty.exports(engine).map(|(name, _)| name.to_owned());
    Report {
        digest,
        size_bytes,
        imports: imports.collect(),
        exports: exports.collect(),
        memories: shape.memories,
        memory_bytes_min: shape.memory_bytes_min,
        tables: shape.tables,
        table_elements_min: shape.table_elements_min,
    }
}
