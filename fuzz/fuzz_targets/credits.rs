//! Any text is an amount of credits, the one that a plain reading gives, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| stokehold_ledger::probe::credits(text));
