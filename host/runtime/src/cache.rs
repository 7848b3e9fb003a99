//! Machine code on disk, so that nothing is compiled twice.
//!
//! Machine code runs outside the sandbox's protection: whoever can put a file here could run
//! anything. So each file ends with a code that only this host can make, and a file without a
//! right one is compiled again, never mapped.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::price_list::PRICE_LIST;

const EXTENSION: &str = "code";
const MAC_BYTES: usize = 32;
/// After the machine code: the component's size, then the authentication code over both.
const TRAILER_BYTES: usize = size_of::<u64>() + MAC_BYTES;

/// Where machine code is kept, and how much of it.
#[derive(Clone)]
pub struct CacheSettings {
    /// The directory; made where there is none, for this user alone.
    pub directory: PathBuf,
    /// A secret of the host: it never leaves it, and is the same at each start.
    pub secret: [u8; 32],
    /// The most bytes that are kept; what was used least recently goes first.
    pub bytes_max: u64,
}

/// Machine code, and how large its component was.
pub(crate) struct Cached {
    pub(crate) component: Component,
    pub(crate) size_bytes: usize,
}

pub(crate) struct Cache {
    settings: CacheSettings,
    /// What machine code depends on beside its component: engine, processor, prices.
    suffix: String,
}

impl Cache {
    pub(crate) fn open(settings: CacheSettings, engine: &Engine) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&settings.directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let prices = PRICE_LIST.version.replace('/', "-");
        let suffix = format!("{:016x}-{prices}", hasher.finish());
        Ok(Cache { settings, suffix })
    }

    /// The machine code of a component, if it is here and this host has made it.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Cached> {
        let path = self.path(digest);
        let bytes = fs::read(&path).ok()?;
        let Some(size_bytes) = self.authentic(digest, &bytes) else {
            tracing::warn!(file = %path.display(), "machine code is damaged or foreign: compiling again");
            return None;
        };
        drop(bytes);
        // The time of use decides what goes first when the cache is full.
        touch(&path);
        match map(engine, &path) {
            Ok(component) => Some(Cached { component, size_bytes }),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "machine code is not usable: compiling again"
                );
                None
            }
        }
    }

    /// Keeps machine code, whole or not at all, and answers it mapped.
    pub(crate) fn keep(
        &self,
        engine: &Engine,
        digest: &str,
        code: &[u8],
        size_bytes: usize,
    ) -> io::Result<Cached> {
        let path = self.path(digest);
        let size = u64::try_from(size_bytes).unwrap_or(u64::MAX).to_le_bytes();
        let mut file =
            tempfile::Builder::new().prefix("new-").tempfile_in(&self.settings.directory)?;
        file.write_all(code)?;
        file.write_all(&size)?;
        file.write_all(&self.mac(digest, code, size).finalize().into_bytes())?;
        file.persist(&path).map_err(|error| error.error)?;
        self.trim(&path);
        let component =
            map(engine, &path).map_err(|error| io::Error::other(format!("{error:#}")))?;
        Ok(Cached { component, size_bytes })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.settings.directory.join(format!("{digest}-{}.{EXTENSION}", self.suffix))
    }

    /// The component's size, if the file's authentication code is right.
    fn authentic(&self, digest: &str, bytes: &[u8]) -> Option<usize> {
        let (code, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER_BYTES)?)?;
        let (size, mac) = trailer.split_first_chunk()?;
        self.mac(digest, code, *size).verify_slice(mac).ok()?;
        usize::try_from(u64::from_le_bytes(*size)).ok()
    }

    /// The name is under the code as well: a file cannot stand for another component.
    fn mac(&self, digest: &str, code: &[u8], size: [u8; 8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "a key of 32 bytes is never refused")]
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.settings.secret)
            .expect("any length of key will do");
        for part in [digest.as_bytes(), b"/", self.suffix.as_bytes(), b"/", code, &size] {
            mac.update(part);
        }
        mac
    }

    /// Removes what was used least recently until the rest fits. The newest file stays.
    fn trim(&self, newest: &Path) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> =
            match fs::read_dir(&self.settings.directory) {
                Ok(entries) => entries
                    .flatten()
                    .filter(|entry| entry.path() != newest)
                    .filter_map(|entry| {
                        let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                        Some((data.modified().ok()?, data.len(), entry.path()))
                    })
                    .collect(),
                Err(_) => return,
            };
        let newest_bytes = fs::metadata(newest).map_or(0, |data| data.len());
        let mut bytes =
            files.iter().fold(newest_bytes, |sum, (_, size, _)| sum.saturating_add(*size));
        files.sort();
        for (_, size, path) in files {
            if bytes <= self.settings.bytes_max {
                return;
            }
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, file = %path.display(), "old machine code cannot be removed");
            }
            bytes = bytes.saturating_sub(size);
        }
    }
}

/// A file that cannot be touched goes a little earlier, no more.
fn touch(path: &Path) {
    let nothing = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: nothing, last_modification: now };
    let _ = utimensat(CWD, path, &times, AtFlags::empty());
}

fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "the file is one that this host has written, see `authentic`")]
    // SAFETY: it is what `precompile_component` gave, under an authentication code, in a directory
    // that nobody else may write to; files are replaced as a whole, never changed.
    unsafe {
        Component::deserialize_file(engine, path)
    }
}

/// Machine code that was just made, without a file.
pub(crate) fn adopt(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "the bytes are what our own compiler has just made")]
    // SAFETY: they come from `precompile_component`, through a pipe from a child of this process.
    unsafe {
        Component::deserialize(engine, code)
    }
}
