//! Places at which a program that is built to be crashed ends itself.

/// A place where a crash would tell whether hold, guest and money stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// A group of writes is done, but for its commit.
    BeforeCommit,
    /// A group of writes is committed, and nobody has been told.
    AfterCommit,
    /// A call's hold is durable, and its guest has not begun.
    BetweenHoldAndGuest,
    /// A call's guest has ended, and nothing is captured yet.
    BetweenGuestAndCapture,
}

impl FailPoint {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BetweenHoldAndGuest,
        Self::BetweenGuestAndCapture,
    ];

    /// The variable of the environment that names one: `name`, or `name:3` for the third time that
    /// it is passed.
    pub const VARIABLE: &str = "STOKEHOLD_FAIL_POINT";

    /// What the variable calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::BetweenHoldAndGuest => "between-hold-and-guest",
            Self::BetweenGuestAndCapture => "between-guest-and-capture",
        }
    }

    /// Ends this process at once, without any clearing up, where the environment says so. A program
    /// without the feature `fail-points` goes on, whatever the environment says.
    pub fn pass(self) {
        #[cfg(feature = "fail-points")]
        armed::pass(self);
    }
}

#[cfg(feature = "fail-points")]
mod armed {
    //! What a program does that was built for it.

    use std::env;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::FailPoint;

    /// The name of the point, and how often it is still to be passed.
    static ARMED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let armed = env::var(FailPoint::VARIABLE).ok()?;
        let (name, count) = armed.split_once(':').unwrap_or((&armed, "1"));
        Some((name.to_owned(), AtomicU32::new(count.parse().ok()?)))
    });

    pub(super) fn pass(point: FailPoint) {
        if let Some((name, left)) = &*ARMED
            && name == point.name()
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            std::process::abort();
        }
    }
}
