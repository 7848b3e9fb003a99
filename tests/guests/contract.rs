//! Components that are refused: every fault is named, with its mend.

use stokehold_runtime::{Fault, Runtime, Settings};
use stokehold_tests::guest;

use crate::{load, runtime, settings};

fn faults(component: &[u8]) -> Vec<Fault> {
    refused(&runtime(), component)
}

fn refused(runtime: &Runtime, component: &[u8]) -> Vec<Fault> {
    runtime.load(component).expect_err("a refusal").0
}

/// Faults of a component that is written as text.
fn faults_of(text: &str) -> Vec<Fault> {
    faults(&wat::parse_str(text).unwrap_or_else(|error| panic!("{error}")))
}

/// A single fault: what it says, and that it has a mend.
#[track_caller]
fn assert_fault(faults: &[Fault], what: &str, mend: &str) {
    let found = faults.iter().find(|fault| fault.what.contains(what) && fault.mend.contains(mend));
    assert!(found.is_some(), "no fault says {what:?}: {faults:#?}");
}

#[test]
fn a_sound_component_is_reported() {
    let component = guest::echo();
    let program = load(&runtime(), &component);
    let report = program.report();
    assert_eq!(report.size_bytes, component.len());
    assert_eq!(report.digest.len(), 64);
    assert_eq!(report.imports, ["stokehold:service/types@0.1.0", "stokehold:service/charge@0.1.0"]);
    assert_eq!(report.exports, ["stokehold:service/service@0.1.0"]);
    assert_eq!((report.memories, report.memory_bytes_min), (1, 65_536));
}

#[test]
fn what_is_no_component_is_named() {
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"PK\x03\x04 a zip file", "not WebAssembly: it starts with [50, 4b, 03, 04]"),
        (b"\xff\xfe\x00", "not WebAssembly"),
        (b"  (module)", "WebAssembly as text"),
        (b";; a comment\n(component)", "WebAssembly as text"),
        (b"\0asm\x01\0\0\0", "a core WebAssembly module, not a component"),
        (b"\0asm\x0d\0\x01\0\x01\xff", "unexpected end-of-file"),
    ] {
        let faults = faults(bytes);
        assert_fault(&faults, what, "");
        assert!(faults.iter().all(|fault| !fault.mend.is_empty()));
    }
}

#[test]
fn a_truncated_component_is_refused() {
    let component = guest::echo();
    for bytes in (1..component.len()).step_by(101) {
        faults(&component[..bytes]);
    }
}

#[test]
fn a_component_can_be_too_large() {
    let settings = Settings { component_bytes_max: 100, ..settings() };
    let runtime = Runtime::new(&settings).expect("the runtime starts");
    let faults = refused(&runtime, &[0; 101]);
    assert_fault(&faults, "has 101 bytes; this host allows 100", "optimised");
}

#[test]
fn every_fault_is_in_one_report() {
    let faults = faults_of(
        r#"(component
             (import "wasi:nn/graph@0.2.0" (instance))
             (import "wasi:clocks/monotonic-clock@0.3.0" (instance))
             (import "stokehold:service/charge@0.2.0" (instance))
             (import "stokehold:service/till@0.1.0" (instance))
             (import "acme:bank/vault@1.0.0" (instance))
             (import "open-sesame" (func))
             (core module $m (memory 1) (memory 1) (memory 1))
             (core instance (instantiate $m)))"#,
    );
    assert_fault(
        &faults,
        "wasi:nn/graph@0.2.0",
        "of WASI a service may import wasi:io, wasi:clocks",
    );
    assert_fault(
        &faults,
        "wasi:clocks/monotonic-clock@0.3.0",
        "in version 0.2.x with monotonic-clock, wall-clock, found 0.3.0",
    );
    assert_fault(&faults, "stokehold:service/charge@0.2.0", "expected version 0.1.0, found 0.2.0");
    for name in ["stokehold:service/till@0.1.0", "acme:bank/vault@1.0.0", "open-sesame"] {
        assert_fault(&faults, name, "may import stokehold:service/charge@0.1.0");
    }
    assert_fault(
        &faults,
        "does not export stokehold:service/service@0.1.0; it exports nothing",
        "paid-service",
    );
    assert_fault(&faults, "has 3 memories; this host allows 2", "");
    assert_eq!(faults.len(), 8, "{faults:#?}");
}

#[test]
fn what_does_not_fit_into_the_pool_is_named() {
    for (field, found, limit) in
        [("(memory 257)", "16842752", "0x1000000"), ("(table 20001 funcref)", "20001", "20000")]
    {
        let faults = faults_of(&format!(
            "(component (core module $m {field}) (core instance (instantiate $m)))"
        ));
        assert_fault(&faults, found, "stay below it");
        assert_fault(&faults, limit, "stay below it");
    }
    let instances = "(core instance (instantiate $m))".repeat(65);
    let faults = faults_of(&format!("(component (core module $m) {instances})"));
    assert_fault(&faults, "65 core module instances", "stay below it");
    assert_fault(&faults, "maximum of 64", "stay below it");
}

#[test]
fn another_version_of_the_export_is_named() {
    let faults = faults_of(
        r#"(component
             (instance $service)
             (export "stokehold:service/service@0.3.0" (instance $service)))"#,
    );
    assert_fault(&faults, "in version 0.3.0, not in version 0.1.0", "build it against");
}

#[test]
fn other_exports_are_listed_where_ours_is_missing() {
    let faults = faults_of(
        r#"(component
             (instance $run)
             (export "wasi:cli/run@0.2.0" (instance $run)))"#,
    );
    assert_fault(&faults, "it exports wasi:cli/run@0.2.0", "paid-service");
}

#[test]
fn wrong_types_are_shown_beside_the_right_ones() {
    let faults = faults_of(
        r#"(component
             (import "stokehold:service/charge@0.1.0" (instance
               (export "authorized" (func (result string)))
               (export "refund" (func))))
             (core module $m (func (export "f") (result i32) (i32.const 1)))
             (core instance $i (instantiate $m))
             (func $f (result u32) (canon lift (core func $i "f")))
             (instance $service (export "handle" (func $f)))
             (export "stokehold:service/service@0.1.0" (instance $service)))"#,
    );
    assert_fault(&faults, "expected func() -> u64, found func() -> string", "build it against");
    assert_fault(&faults, "imports refund of", "build it against");
    assert_fault(&faults, "lacks the function quote", "build it against");
    assert_fault(
        &faults,
        "-> result<string, variant { user-error(string), access-error(string), \
         unavailable(string) }>, found func() -> u32",
        "build it against",
    );
    assert_eq!(faults.len(), 4, "{faults:#?}");
}

#[test]
fn a_report_ends_somewhere() {
    let imports: Vec<_> = (0..150).map(|n| format!("(import \"i{n}\" (func))")).collect();
    let faults = faults_of(&format!("(component {})", imports.join(" ")));
    assert_eq!(faults.len(), 101);
    // The missing export is a fault as well.
    assert_fault(&faults, "and 51 faults more", "mend those above first");
}
