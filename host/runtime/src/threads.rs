//! The threads that guests run on.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How far guests stand back behind the rest of the process, on the scale of `nice`: on a busy
/// core a guest's thread then gets about a tenth of what a broker's thread gets.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Starts threads for guests. They share nothing with the caller's threads, so that a machine
/// full of guests still answers.
pub(crate) fn start(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("guest")
        .on_thread_start(stand_back)
        // Guests reach out through these threads as well, so that no broker thread works for them.
        .enable_all()
        .build()
}

/// Lowers the calling thread's priority. On Linux alone is it a thread's own.
pub(crate) fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "guests run at the broker's own priority");
    }
}
