//! The threads that guests run on.

use std::io;

use tokio::runtime::{Builder, Runtime};

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

/// Has the calling thread run where the others of the process have nothing to do. They then find a
/// core that it runs on as good as an idle one, and take it at once: a merely lower priority has them
/// queue behind each other instead. It still gets a three-hundredth of a core that is never idle.
///
/// On Linux alone is that a thread's own.
pub(crate) fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = idle_policy() {
        tracing::warn!(%error, "guests run at the broker's own priority");
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate that is here has this call")]
fn idle_policy() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is to a whole structure, which is only read, and 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
