//! Any body is read or refused, and whatever is answered is JSON that a strict client takes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| stokehold_wire::probe::envelope(body));
