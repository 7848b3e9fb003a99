//! Backups: a copy of one moment's data in a file, and the way back.
//!
//! A backup is a SQLite database of its own, without a log beside it, whichever database it was made
//! of and whichever it is brought back into. It is made while servers go on writing, and bears its
//! name once it is whole, on the disk and checked.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use thiserror::Error;

use crate::audit::Audit;
use crate::db::Db;
use crate::error::{Error, OpenError};
use crate::postgres::{self, Address};
use crate::sqlite::{Lock, migrate, open_read_only};
use crate::store::{DATABASE_FILE, LOCK_FILE};
use crate::transfer;
use crate::verify::{self, Finding};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// Nothing is overwritten.
    #[error("{path} is there already")]
    Exists {
        /// What is there.
        path: String,
    },
    /// A file could not be read, written or named.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file is no backup.
    #[error("{path} is no backup: {source}")]
    NoBackup {
        /// Which file.
        path: String,
        /// What is wrong with it.
        source: Box<OpenError>,
    },
    /// The ledger in the backup breaks its invariants.
    #[error("the ledger in {path} breaks its invariants: {}", listed(.findings))]
    Broken {
        /// Which file.
        path: String,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// The data directory, or the PostgreSQL database, cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data cannot be read.
    #[error(transparent)]
    Read(#[from] Error),
}

fn listed(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("; ")
}

impl Audit {
    /// Copies the data of one moment into `file`, which must not be there yet. Answers what breaks
    /// an invariant in the copy: it is kept all the same, for it may be all there is.
    pub fn backup(&self, file: &Path) -> Result<Vec<Finding>, BackupError> {
        refuse_existing(file)?;
        let unfinished = Unfinished::beside(file)?;
        match self.sqlite() {
            Some(db) => {
                let path = unfinished.path.to_str().ok_or_else(|| not_text(file))?;
                copy(db, path).map_err(Error::from)?;
            }
            None => self.export(&unfinished.path)?,
        }
        let findings = checked(&unfinished.path)?;
        unfinished.finish(file)?;
        Ok(findings)
    }

    /// Makes a SQLite database of what is in PostgreSQL's. It is one read transaction there, too.
    fn export(&self, path: &Path) -> Result<(), BackupError> {
        let mut into = Connection::open(path).map_err(Error::from)?;
        migrate(&mut into, |_| Ok(()))?;
        Ok(self.read(|from| transfer::export(from, &into))?)
    }
}

/// Copies what is in the database into a new one. It is one read transaction, however long it takes:
/// a server's writes go on beside it.
fn copy(db: &Connection, path: &str) -> rusqlite::Result<()> {
    // Nothing but the copy is written, which SQLite does not tell from other writing.
    db.execute_batch("PRAGMA query_only = OFF")?;
    let copied = db.execute("VACUUM INTO ?1", [path]);
    db.execute_batch("PRAGMA query_only = ON")?;
    copied.map(drop)
}

/// Makes the data directory `directory` from a backup, and looks at it. Nothing must be there yet,
/// and nothing is there afterwards unless every invariant holds.
pub fn restore(file: &Path, directory: &Path) -> Result<Audit, BackupError> {
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let _lock = Lock::take(&directory.join(LOCK_FILE))?;
    let database = directory.join(DATABASE_FILE);
    refuse_existing(&database)?;
    let unfinished = Unfinished::beside(&database)?;
    take_in(file, &unfinished)?;
    unfinished.finish(&database)?;
    Ok(Audit::open(directory)?)
}

/// Fills the PostgreSQL database at `address` from a backup, and looks at it. It must not hold a
/// ledger yet, and holds none afterwards unless every invariant holds. Waits for the server.
pub fn restore_into(file: &Path, address: &Address) -> Result<Audit, BackupError> {
    let unfinished = Unfinished::beside(file)?;
    take_in(file, &unfinished)?;
    let from = open_read_only(&unfinished.path).map_err(Error::from)?;
    let into = postgres::prepare(address)?;
    let db = Db::Postgres(&into);
    into.batch("BEGIN")?;
    if db.exists("SELECT one FROM instance", &[])? {
        return Err(BackupError::Exists { path: format!("a ledger in {address}") });
    }
    transfer::import(&from, &into)?;
    let findings = verify::check(db)?;
    if !findings.is_empty() {
        return Err(BackupError::Broken { path: address.to_string(), findings });
    }
    into.batch("COMMIT")?;
    Ok(Audit::connect(address)?)
}

/// Copies a backup, brings the copy's tables up to date, and refuses one that breaks an invariant.
fn take_in(file: &Path, unfinished: &Unfinished) -> Result<(), BackupError> {
    fs::copy(file, &unfinished.path).map_err(|error| failed(file, error))?;
    let path = || file.display().to_string();
    upgraded(&unfinished.path)
        .map_err(|source| BackupError::NoBackup { path: path(), source: Box::new(source) })?;
    let findings = checked(&unfinished.path)?;
    if findings.is_empty() { Ok(()) } else { Err(BackupError::Broken { path: path(), findings }) }
}

/// Brings the tables of a backup up to date.
fn upgraded(path: &Path) -> Result<(), OpenError> {
    let mut db = Connection::open(path)?;
    // Another database would become one of ours.
    if !db.table_exists(None, "instance")? {
        return Err(OpenError::Missing { path: "the file".into() });
    }
    migrate(&mut db, |_| Ok(()))
}

fn checked(path: &Path) -> Result<Vec<Finding>, BackupError> {
    Ok(Audit::of_file(path)?.verify()?)
}

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(BackupError::Exists { path: path.display().to_string() }),
        Err(error) => Err(failed(path, error)),
    }
}

fn failed(path: &Path, source: io::Error) -> BackupError {
    BackupError::Io { path: path.display().to_string(), source }
}

fn not_text(path: &Path) -> BackupError {
    failed(path, io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))
}

/// A file that is being written, beside the one that it is to become. It is gone when this is.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn beside(file: &Path) -> Result<Self, BackupError> {
        let mut name = file.file_name().ok_or_else(|| not_text(file))?.to_owned();
        name.push(".unfinished");
        let path = file.with_file_name(name);
        refuse_existing(&path)?;
        Ok(Self { path })
    }

    /// Gives it its name, once it and its name are on the disk.
    fn finish(self, file: &Path) -> Result<(), BackupError> {
        let synced = File::open(&self.path).and_then(|unfinished| unfinished.sync_all());
        synced.map_err(|error| failed(&self.path, error))?;
        // Fails where somebody else has made the file meanwhile, unlike renaming.
        fs::hard_link(&self.path, file).map_err(|error| failed(file, error))?;
        let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| failed(directory, error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where nothing was written yet there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}
