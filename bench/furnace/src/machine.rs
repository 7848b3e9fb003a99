//! What the figures were measured on.

use std::fs;
use std::thread::available_parallelism;

use stokehold_runtime::PRICE_LIST;

/// What a reader needs to judge figures, by name.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = read("/proc/loadavg");
    vec![
        ("cores", available_parallelism().map_or(0, usize::from).to_string()),
        ("cpu", cpu.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())),
        ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load_average", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        ("price_list", PRICE_LIST.version.to_owned()),
    ]
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
