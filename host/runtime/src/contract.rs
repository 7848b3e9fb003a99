//! What a component may import and must export, and how it is told what is wrong.

use wasmtime::Engine;
use wasmtime::component::types::{Component, ComponentInstance, ComponentItem};

use crate::fault::Fault;
use crate::signature::signature;

/// The contract's WIT package.
pub const PACKAGE: &str = "stokehold:service";
/// The version of the contract that this host runs.
pub const VERSION: &str = "0.1.0";

/// Types can be long, and so can lists of names; a message has to stay readable.
const SHOWN_CHARS_MAX: usize = 400;

const REBUILD: &str = "build it against wit/service-0.1.0 of this host";

pub(crate) struct Interface {
    pub(crate) name: &'static str,
    functions: &'static [(&'static str, &'static str)],
}

/// The host functions, each with its type.
pub(crate) const CHARGE: Interface = Interface {
    name: "stokehold:service/charge@0.1.0",
    functions: &[
        ("authorized", "func() -> u64"),
        ("fuel-remaining", "func() -> u64"),
        ("capture-at-most", "func(u64)"),
        ("progress", "func(f32, string)"),
    ],
};

/// Types alone: a component imports them to name the types of its exports.
const TYPES: Interface = Interface { name: "stokehold:service/types@0.1.0", functions: &[] };

const SERVICE: Interface = Interface {
    name: "stokehold:service/service@0.1.0",
    functions: &[
        (
            "quote",
            "func(record { call-id: string, route: string, params: string, client-id: string }) \
             -> result<record { credits: u64, description: option<string> }, \
             variant { user-error(string), access-error(string), unavailable(string) }>",
        ),
        (
            "handle",
            "func(record { call-id: string, route: string, params: string, client-id: string }) \
             -> result<string, \
             variant { user-error(string), access-error(string), unavailable(string) }>",
        ),
    ],
};

/// What a service may import of WASI: an interface, and the start of the versions that are alike.
/// Files and sockets are there because languages with a runtime of their own import them, and give
/// nothing.
const WASI: [(&str, &[&str], &str); 10] = [
    ("wasi:io", &["error", "poll", "streams"], WASI_VERSION),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"], WASI_VERSION),
    ("wasi:random", &["random", "insecure", "insecure-seed"], WASI_VERSION),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
        WASI_VERSION,
    ),
    ("wasi:filesystem", &["types", "preopens"], WASI_VERSION),
    (
        "wasi:sockets",
        &[
            "network",
            "instance-network",
            "ip-name-lookup",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
        WASI_VERSION,
    ),
    ("wasi:http", &["types", "outgoing-handler"], WASI_VERSION),
    ("wasi:config", &["store"], "0.2.0-rc.1"),
    ("wasi:keyvalue", &["store", "atomics", "batch"], "0.2.0-draft"),
    ("wasi:logging", &["logging"], "0.1.0-draft"),
];
const WASI_VERSION: &str = "0.2.";

/// All that keeps a component from being a paid service.
pub(crate) fn faults(engine: &Engine, component: &Component) -> Vec<Fault> {
    let mut faults: Vec<Fault> = component
        .imports(engine)
        .flat_map(|(name, import)| import_faults(engine, name, &import.ty))
        .collect();
    faults.extend(export_faults(engine, component));
    faults
}

fn import_faults(engine: &Engine, name: &str, item: &ComponentItem) -> Vec<Fault> {
    // The linker compares these types itself.
    if is_wasi(name) && matches!(item, ComponentItem::ComponentInstance(_)) {
        return Vec::new();
    }
    let offered = [CHARGE, TYPES].into_iter().find(|it| it.name == name);
    let (Some(interface), ComponentItem::ComponentInstance(instance)) = (offered, item) else {
        return vec![Fault::new(
            format!("the component imports {}", shown(name)),
            import_mend(name),
        )];
    };
    let mut faults = Vec::new();
    for (function, item) in instance.exports(engine) {
        if matches!(item.ty, ComponentItem::Type(_)) {
            continue;
        }
        let found = item_text(&item.ty);
        let expected = interface.functions.iter().find(|(it, _)| *it == function);
        match expected {
            Some((_, expected)) if *expected == found => {}
            Some((_, expected)) => {
                faults.push(wrong_type("imports", name, function, expected, &found));
            }
            None => faults.push(Fault::new(
                format!(
                    "the component imports {} of {name}, which has no such function",
                    shown(function)
                ),
                REBUILD,
            )),
        }
    }
    faults
}

fn import_mend(name: &str) -> String {
    let (package, version) = split(name);
    if package.starts_with("wasi:") {
        return wasi_mend(package, version);
    }
    match version {
        Some(version) if is_ours(package) && version != VERSION => {
            format!("expected version {VERSION}, found {version}: {REBUILD}")
        }
        _ => {
            format!("leave it out: a service may import {}, WASI 0.2 and nothing else", CHARGE.name)
        }
    }
}

fn is_wasi(name: &str) -> bool {
    let (interface, version) = split(name);
    let version = version.unwrap_or_default();
    WASI.iter().any(|(package, interfaces, versions)| {
        let rest = interface.strip_prefix(package).and_then(|rest| rest.strip_prefix('/'));
        let is_version = if versions.ends_with('.') {
            version.starts_with(versions)
        } else {
            version == *versions
        };
        is_version && rest.is_some_and(|rest| interfaces.contains(&rest))
    })
}

fn wasi_mend(interface: &str, version: Option<&str>) -> String {
    let package = interface.split('/').next().unwrap_or_default();
    match WASI.iter().find(|(known, ..)| *known == package) {
        Some((_, interfaces, versions)) => format!(
            "this host offers {package} in version {versions}{} with {}, found {}: leave out what \
             uses the rest, or build with tools for that version",
            if versions.ends_with('.') { "x" } else { "" },
            interfaces.join(", "),
            shown(version.unwrap_or("none")),
        ),
        None => format!(
            "leave out what uses it: of WASI a service may import {}",
            WASI.map(|(package, ..)| package).join(", ")
        ),
    }
}

fn export_faults(engine: &Engine, component: &Component) -> Vec<Fault> {
    let export = component.exports(engine).find(|(name, _)| *name == SERVICE.name);
    match export.map(|(_, export)| export.ty) {
        Some(ComponentItem::ComponentInstance(instance)) => function_faults(engine, &instance),
        Some(_) => vec![Fault::new(
            format!("the component's export {} is no interface", SERVICE.name),
            REBUILD,
        )],
        None => vec![missing_export(engine, component)],
    }
}

fn function_faults(engine: &Engine, instance: &ComponentInstance) -> Vec<Fault> {
    let fault = |(function, expected): &(&str, &str)| {
        let Some(export) = instance.get_export(engine, function) else {
            let what = format!("the component's {} lacks the function {function}", SERVICE.name);
            return Some(Fault::new(what, REBUILD));
        };
        let found = item_text(&export.ty);
        let fault = || wrong_type("exports", SERVICE.name, function, expected, &found);
        (found != *expected).then(fault)
    };
    SERVICE.functions.iter().filter_map(fault).collect()
}

fn item_text(item: &ComponentItem) -> String {
    match item {
        ComponentItem::ComponentFunc(func) => signature(func),
        _ => "no function".to_owned(),
    }
}

fn missing_export(engine: &Engine, component: &Component) -> Fault {
    let names: Vec<&str> = component.exports(engine).map(|(name, _)| name).collect();
    let (expected, _) = split(SERVICE.name);
    let other = names.iter().map(|name| split(name)).find(|(package, _)| *package == expected);
    if let Some((_, version)) = other {
        return Fault::new(
            format!(
                "the component exports {expected} in version {}, not in version {VERSION}",
                version.map_or("none".to_owned(), shown)
            ),
            REBUILD,
        );
    }
    let exports = match names.as_slice() {
        [] => "nothing".to_owned(),
        names => shown(&names.join(", ")),
    };
    Fault::new(
        format!("the component does not export {}; it exports {exports}", SERVICE.name),
        other_world(&names),
    )
}

/// What to do about a component that was built for something else.
fn other_world(exports: &[&str]) -> String {
    let is_for = |interface: &str| exports.iter().any(|name| split(name).0 == interface);
    let what = if is_for("wasi:cli/run") {
        "it is a program with a main function: "
    } else if is_for("wasi:http/incoming-handler") {
        "it is a web server: "
    } else {
        ""
    };
    format!("{what}implement quote and handle of the world {PACKAGE}/paid-service and build again")
}

fn wrong_type(verb: &str, interface: &str, function: &str, expected: &str, found: &str) -> Fault {
    Fault::new(
        format!(
            "the component {verb} {function} of {interface} with a wrong type: expected \
             {expected}, found {}",
            shown(found)
        ),
        REBUILD,
    )
}

/// `a:b/c@1.0.0` → `a:b/c` and `1.0.0`.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((package, version)) => (package, Some(version)),
        None => (name, None),
    }
}

fn is_ours(package: &str) -> bool {
    package.split('/').next() == Some(PACKAGE)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
