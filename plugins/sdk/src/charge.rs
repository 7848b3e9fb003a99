//! What a running call may know of its own charge, and do about it. Each function costs fuel.

use crate::Credits;
use crate::bindings::stokehold::service::charge as host;

/// The credits that are held for this call. None while a quote is made.
pub fn authorized() -> Credits {
    Credits::from_micro(host::authorized())
}

/// The fuel that is left. A call that tries to use more is stopped and its hold cancelled.
pub fn fuel_remaining() -> u64 {
    host::fuel_remaining()
}

/// Lowers what will be captured if the call succeeds. The lowest amount of all calls counts.
pub fn capture_at_most(credits: Credits) {
    host::capture_at_most(credits.micro());
}

/// Says how far the work is: `fraction` from 0 to 1, and a few words.
pub fn progress(fraction: f32, message: &str) {
    host::progress(fraction, message);
}
