//! Which file systems a database may be on.
//!
//! SQLite's write-ahead log needs memory that is shared between processes and locks that hold: file
//! systems on other machines promise neither, and what they have answered for durable may be lost.
//! File systems in user space (such as sshfs) all look alike and cannot be told.

use std::path::Path;

use crate::error::OpenError;

/// The magic numbers of `statfs(2)` and Linux' `magic.h`.
#[cfg(target_os = "linux")]
const ELSEWHERE: [(i64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
];

/// Refuses a directory that is known to be on another machine.
#[cfg(target_os = "linux")]
pub(super) fn check(database: &Path) -> Result<(), OpenError> {
    let directory = database.parent().filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let path = || directory.display().to_string();
    let found = rustix::fs::statfs(directory)
        .map_err(|error| OpenError::Io { path: path(), source: error.into() })?;
    match name(found.f_type) {
        Some(kind) => Err(OpenError::NetworkFileSystem { path: path(), kind }),
        None => Ok(()),
    }
}

/// Nothing can be told elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Path) -> Result<(), OpenError> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn name(magic: impl Into<i64>) -> Option<&'static str> {
    // Some machines have 32 bits for it, with a sign.
    let magic = magic.into() & 0xffff_ffff;
    ELSEWHERE.into_iter().find(|(known, _)| *known == magic).map(|(_, name)| name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_known_by_their_numbers() {
        assert_eq!(name(0x6969_i64), Some("NFS"));
        assert_eq!(name(0xff53_4d42_i64), Some("CIFS"));
        assert_eq!(name(0xff53_4d42_u32.cast_signed()), Some("CIFS"));
        assert_eq!(name(0xef53_i64), None, "ext4");
        assert_eq!(name(0x0102_1994_i64), None, "tmpfs");
    }

    #[test]
    fn a_directory_of_this_machine_is_good() {
        let here = Path::new("stokehold.db");
        assert!(check(here).is_ok());
        let missing = Path::new("/a/directory/that/is/not/there/stokehold.db");
        assert!(matches!(check(missing), Err(OpenError::Io { .. })));
    }
}
