//! Machine code that one user's commands share: what `check` has compiled, `run` and `publish` do
//! not compile again.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use stokehold_app::CacheSettings;

use crate::output;

/// Says where; nothing is kept where it is empty.
const VARIABLE: &str = "STOKEHOLD_CACHE";
const SECRET: &str = "secret";
const CODE: &str = "code";
/// The most bytes that are kept: some fifty components of the largest kind.
const BYTES_MAX: u64 = 4 << 30;

/// Where machine code is kept; nowhere, with a warning, where nothing can be written.
pub(crate) fn place() -> Option<CacheSettings> {
    let directory = directory(env::var_os(VARIABLE))?;
    match secret(&directory) {
        Ok(secret) => {
            Some(CacheSettings { directory: directory.join(CODE), secret, bytes_max: BYTES_MAX })
        }
        Err(error) => {
            output::err(&format!(
                "note: machine code cannot be kept in {}: {error}\nhint: {VARIABLE} names another \
                 directory, or none where it is empty\n",
                directory.display()
            ));
            None
        }
    }
}

/// A directory of its own where this system has such things, unless another one is named.
fn directory(named: Option<OsString>) -> Option<PathBuf> {
    match named {
        Some(named) if named.is_empty() => None,
        Some(named) => Some(named.into()),
        None => {
            let system = etcetera::choose_base_strategy().ok()?;
            Some(system.cache_dir().join("stokehold"))
        }
    }
}

/// What the machine code is authenticated with: made once, readable by this user alone.
fn secret(directory: &Path) -> io::Result<[u8; 32]> {
    let path = directory.join(SECRET);
    if !path.exists() {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        fs::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&secret)?;
        // Another command may have been quicker: its secret counts.
        match file.persist_noclobber(&path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error.error);
            }
            _ => {}
        }
    }
    let secret = fs::read(&path)?;
    secret.try_into().map_err(|_| io::Error::other(format!("{} is not 32 bytes", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_stays_and_is_nobody_elses() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("new");
        let made = secret(&place).expect("a secret");
        assert_eq!(secret(&place).expect("the secret"), made);
        assert_ne!(made, [0; 32]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(place.join(SECRET)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(place.join(SECRET), b"short").expect("written");
        assert!(secret(&place).is_err());
    }

    #[test]
    fn nothing_is_kept_where_that_is_asked_for() {
        assert_eq!(directory(Some(OsString::new())), None);
        assert_eq!(directory(Some("here".into())), Some("here".into()));
    }
}
