//! The write-ahead log, written in one piece for each sync.
//!
//! SQLite writes each page of a commit by itself, and a few bytes about it before: some forty system
//! calls for a group of sixteen operations, a tenth of all that these cost. Nobody needs any of it
//! before the sync that makes the commit durable: with `synchronous=FULL` other connections are shown
//! the pages of a commit after that. So what is written to the log one after the other is gathered,
//! and written before anything else happens to the file. In which order the disk sees what lies
//! between two syncs was never promised.
//!
//! SQLite reaches files through tables of functions (<https://sqlite.org/vfs.html>). Files are opened
//! as the system's table says; only the log then gets a table in which some functions are ours.

#![expect(unsafe_code, reason = "SQLite's file access is tables of C functions")]

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::{ptr, slice};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

/// What a connection that writes is opened with, once it is [`register`]ed.
pub(super) const VFS: &CStr = c"stokehold";

/// What is gathered at the most, in bytes. SQLite's own file access takes no longer piece at a time.
const GATHERED_MAX: usize = (1 << 17) - 1;

/// How the system opens files.
struct System {
    vfs: *mut sqlite3_vfs,
    open: Open,
    /// How long its own part of an open file is; a log has [`Log`] behind that.
    file_length: usize,
}

type Open = unsafe extern "C" fn(
    *mut sqlite3_vfs,
    ffi::sqlite3_filename,
    *mut sqlite3_file,
    c_int,
    *mut c_int,
) -> c_int;

// SAFETY: a VFS that is registered stays as it is for ever, and all threads may use it.
unsafe impl Send for System {}
// SAFETY: the same.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// What an open log has of its own.
struct Log {
    methods: sqlite3_io_methods,
    system: &'static sqlite3_io_methods,
    /// Where what was gathered begins, in bytes from the start of the file.
    start: sqlite3_int64,
    gathered: Vec<u8>,
}

/// Makes [`VFS`] known to SQLite.
pub(super) fn register() -> rusqlite::Result<()> {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    let code = *REGISTERED.get_or_init(|| {
        // SAFETY: SQLite is initialised first. Its default VFS and our copy of it stay for ever.
        unsafe {
            match ffi::sqlite3_initialize() {
                ffi::SQLITE_OK => register_copy(ffi::sqlite3_vfs_find(ptr::null())),
                code => code,
            }
        }
    });
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
}

unsafe fn register_copy(vfs: *mut sqlite3_vfs) -> c_int {
    // SAFETY: it is what SQLite has answered with, or null.
    let Some(known) = (unsafe { vfs.as_ref() }) else { return ffi::SQLITE_ERROR };
    let Some(open) = known.xOpen else { return ffi::SQLITE_ERROR };
    let file_length = (known.szOsFile.unsigned_abs() as usize).next_multiple_of(align_of::<Log>());
    let Ok(length) = c_int::try_from(file_length + size_of::<Log>()) else {
        return ffi::SQLITE_ERROR;
    };
    SYSTEM.get_or_init(|| System { vfs, open, file_length });
    let (next, name) = (ptr::null_mut(), VFS.as_ptr());
    let copy = sqlite3_vfs {
        szOsFile: length,
        pNext: next,
        zName: name,
        xOpen: Some(open_file),
        ..*known
    };
    // SAFETY: the copy is complete, and is never freed.
    unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(copy)), 0) }
}

/// Opens a file as the system does; a log gets its own table.
unsafe extern "C" fn open_file(
    _: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(System { vfs, open, .. }) = SYSTEM.get() else { return ffi::SQLITE_MISUSE };
    // SAFETY: the arguments are SQLite's, and `file` has room for the system's part and a `Log`.
    unsafe {
        let code = open(*vfs, name, file, flags, out_flags);
        if flags & ffi::SQLITE_OPEN_WAL != 0
            && let Some(system) = (*file).pMethods.as_ref()
        {
            let methods = sqlite3_io_methods {
                xClose: Some(close),
                xRead: Some(read),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xFileSize: Some(file_size),
                ..*system
            };
            let log = log_of(file);
            log.write(Log { methods, system, start: 0, gathered: Vec::new() });
            (*file).pMethods = &raw const (*log).methods;
        }
        code
    }
}

/// Where the log of an open file stands.
unsafe fn log_of(file: *mut sqlite3_file) -> *mut Log {
    let length = SYSTEM.get().map_or(0, |system| system.file_length);
    // SAFETY: SQLite has allocated as much as was asked for, aligned to eight bytes.
    unsafe { file.byte_add(length).cast() }
}

impl Log {
    /// Whether these bytes come right after what was gathered, and there is room for them.
    fn continues_with(&self, length: usize, offset: sqlite3_int64) -> bool {
        let gathered = self.gathered.len();
        let end = i64::try_from(gathered).ok().and_then(|length| self.start.checked_add(length));
        gathered > 0 && end == Some(offset) && gathered.saturating_add(length) <= GATHERED_MAX
    }

    /// Writes what was gathered. Nothing is left of it, also where it cannot be written: SQLite is
    /// told so, and takes nothing for written.
    unsafe fn flush(&mut self, file: *mut sqlite3_file) -> c_int {
        let Some(write) = self.system.xWrite else { return ffi::SQLITE_MISUSE };
        let Ok(length) = c_int::try_from(self.gathered.len()) else { return ffi::SQLITE_TOOBIG };
        if length == 0 {
            return ffi::SQLITE_OK;
        }
        // SAFETY: so many bytes are there.
        let code = unsafe { write(file, self.gathered.as_ptr().cast(), length, self.start) };
        self.gathered.clear();
        code
    }
}

/// Adds to what is gathered.
unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let Ok(length) = usize::try_from(length) else { return ffi::SQLITE_MISUSE };
    // SAFETY: SQLite writes to a file that is open, and so many bytes are there.
    let (log, bytes) = unsafe { (&mut *log_of(file), slice::from_raw_parts(bytes.cast(), length)) };
    if !log.continues_with(length, offset) {
        // SAFETY: the same.
        let code = unsafe { log.flush(file) };
        if code != ffi::SQLITE_OK {
            return code;
        }
        log.start = offset;
    }
    log.gathered.extend_from_slice(bytes);
    ffi::SQLITE_OK
}

/// Functions before which what was gathered is written.
macro_rules! flushed {
    ($($name:ident($($argument:ident: $type:ty),*) is $method:ident;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) -> c_int {
            // SAFETY: SQLite calls it on a file that is open, with arguments for the system.
            unsafe {
                let log = &mut *log_of(file);
                match (log.flush(file), log.system.$method) {
                    (ffi::SQLITE_OK, Some(method)) => method(file, $($argument),*),
                    (ffi::SQLITE_OK, None) => ffi::SQLITE_MISUSE,
                    (code, _) => code,
                }
            }
        }
    )*};
}

flushed! {
    read(into: *mut c_void, length: c_int, offset: sqlite3_int64) is xRead;
    truncate(length: sqlite3_int64) is xTruncate;
    sync(flags: c_int) is xSync;
    file_size(length: *mut sqlite3_int64) is xFileSize;
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and uses it no more.
    unsafe {
        let mut log = log_of(file).read();
        let flushed = log.flush(file);
        let closed = log.system.xClose.map_or(ffi::SQLITE_MISUSE, |close| close(file));
        if flushed == ffi::SQLITE_OK { closed } else { flushed }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::{Connection, OpenFlags};

    use super::*;

    fn open(path: &Path) -> Connection {
        register().expect("it is registered");
        let db = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), VFS);
        let db = db.expect("it opens");
        // So small a memory for pages that a transaction writes them before it is committed, and
        // has to read them again.
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = 4; \
             CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT) STRICT;",
        )
        .expect("it has a table");
        db
    }

    fn add(db: &Connection, rows: u32) {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                   INSERT INTO row (text) SELECT printf('%0500d', i) FROM n";
        db.execute(sql, [rows]).expect("they are written");
    }

    fn rows(db: &Connection) -> u32 {
        let sound: String =
            db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
        assert_eq!(sound, "ok");
        db.query_row("SELECT count(*) FROM row WHERE length(text) = 500", [], |row| row.get(0))
            .expect("a number")
    }

    #[test]
    fn what_is_gathered_is_read_by_its_own_connection_and_once_committed_by_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("db");
        let db = open(&path);
        let other = Connection::open(&path).expect("it opens as ever");
        let mut committed = 0;
        for rows_of_group in [1, 10, 2_000, 3] {
            db.execute_batch("BEGIN").expect("it begins");
            add(&db, rows_of_group);
            assert_eq!(rows(&db), committed + rows_of_group);
            assert_eq!(rows(&other), committed);
            db.execute_batch("ROLLBACK").expect("it is undone");
            assert_eq!(rows(&db), committed);
            add(&db, rows_of_group);
            committed += rows_of_group;
            assert_eq!((rows(&db), rows(&other)), (committed, committed));
        }
        // As a process that is killed leaves them: what was committed stands in the files.
        let copy = directory.path().join("copy");
        for end in ["", "-wal"] {
            let name = |path: &Path| format!("{}{end}", path.display());
            std::fs::copy(name(&path), name(&copy)).expect("a copy");
        }
        assert_eq!(rows(&Connection::open(copy).expect("it is recovered")), committed);
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("the log is emptied");
        add(&db, 5);
        drop(db);
        assert_eq!(rows(&other), committed + 5);
    }
}
