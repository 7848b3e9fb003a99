//! Waiting for a state that nobody announces.

use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything takes that is waited for.
const DEADLINE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "never came: {what}");
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a state inside another process, of which only asking tells; no result depends on it"
)]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}
