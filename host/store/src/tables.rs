//! How far the tables of a database are, and how far this program brings them.

use crate::error::OpenError;

/// The version of a database's tables, beside the one that this program's migrations end with.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    /// 0 without any.
    pub(crate) found: i32,
    /// The latest that this program knows.
    pub(crate) known: i32,
}

impl Tables {
    /// For whoever brings them up to date: refuses those of a later program.
    pub(crate) fn are_known(self) -> Result<Self, OpenError> {
        let Self { found, known } = self;
        if found > known { Err(OpenError::Newer { found, known }) } else { Ok(self) }
    }

    /// For whoever only looks at them: refuses those of an earlier program, too. `place` is named
    /// where there are none.
    pub(crate) fn are_current(self, place: impl FnOnce() -> String) -> Result<(), OpenError> {
        let Self { found, known } = self.are_known()?;
        match found {
            0 => Err(OpenError::Missing { path: place() }),
            _ if found < known => Err(OpenError::Older { found, known }),
            _ => Ok(()),
        }
    }
}
