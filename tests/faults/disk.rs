//! A disk that fails when it is told to: SQLite's own access to files, with faults put in between.
//!
//! SQLite reaches files through a table of functions that each open file points to (`sqlite3_vfs` and
//! `sqlite3_io_methods`, <https://sqlite.org/vfs.html>). Here every file that is opened gets a copy of
//! its table in which writing and syncing are ours: they fail as the plan says, or do what they did.

#![expect(unsafe_code, reason = "SQLite's file access is a table of C functions")]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rusqlite::ffi;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A write, with nothing written.
    Write,
    /// A write for which there is room for its first half only.
    Full,
    /// A sync.
    Sync,
}

/// When it fails.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kind: Kind,
    /// So many calls go well first.
    after: u32,
    /// So many fail then.
    times: u32,
}

static PLAN: Mutex<Option<Plan>> = Mutex::new(None);
static OPEN: OnceLock<Open> = OnceLock::new();
/// Known once a first file was opened.
static REAL: OnceLock<Real> = OnceLock::new();

/// How the system's own files are written and synced.
struct Real {
    write: Write,
    sync: Sync,
}

type Open = unsafe extern "C" fn(
    *mut ffi::sqlite3_vfs,
    ffi::sqlite3_filename,
    *mut ffi::sqlite3_file,
    c_int,
    *mut c_int,
) -> c_int;
type Write =
    unsafe extern "C" fn(*mut ffi::sqlite3_file, *const c_void, c_int, ffi::sqlite3_int64) -> c_int;
type Sync = unsafe extern "C" fn(*mut ffi::sqlite3_file, c_int) -> c_int;

/// The tables that files were found with, and our copies of them. A copy lives as long as the
/// process, as the table does.
static TABLES: Mutex<Vec<(usize, &'static ffi::sqlite3_io_methods)>> = Mutex::new(Vec::new());

/// Lets the disk fail in this way, so many `times`, once `after` calls of its kind have gone well.
pub(crate) fn fail(kind: Kind, after: u32, times: u32) {
    *plan() = Some(Plan { kind, after, times });
}

/// Lets the disk work again. Answers how often it was still to fail.
pub(crate) fn mend() -> u32 {
    plan().take().map_or(0, |plan| plan.times)
}

fn plan() -> MutexGuard<'static, Option<Plan>> {
    PLAN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this call is one that fails, and how.
fn strikes(is_write: bool) -> Option<Kind> {
    let mut plan = plan();
    let due = plan.as_mut().filter(|plan| is_write == (plan.kind != Kind::Sync))?;
    if due.after > 0 {
        due.after -= 1;
        return None;
    }
    if due.times == 0 {
        return None;
    }
    due.times -= 1;
    Some(due.kind)
}

/// Puts the faults between SQLite and its files, for every database that is opened from here on.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: SQLite is initialised by its first call; the default VFS is there for ever, and so
        // is the copy that is registered in its place.
        let registered = unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let original = ffi::sqlite3_vfs_find(ptr::null());
            let mut vfs = ptr::read(original);
            let open = vfs.xOpen.expect("a VFS opens files");
            vfs.xOpen = Some(open_with_faults);
            vfs.zName = c"faults".as_ptr();
            assert!(OPEN.set(open).is_ok());
            ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1)
        };
        assert_eq!(registered, ffi::SQLITE_OK);
    });
}

/// Opens a file as ever, and gives it our copy of its table.
unsafe extern "C" fn open_with_faults(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let open = OPEN.get().expect("it was set before this was registered");
    // SAFETY: these are the very arguments that the original was to be called with, and `file` is
    // what it has filled in.
    unsafe {
        let result = open(vfs, name, file, flags, out_flags);
        if let Some(table) = (*file).pMethods.as_ref() {
            (*file).pMethods = with_faults(table);
        }
        result
    }
}

/// Our copy of a table.
fn with_faults(table: &ffi::sqlite3_io_methods) -> &'static ffi::sqlite3_io_methods {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let address = ptr::from_ref(table).addr();
    if let Some((_, copy)) = tables.iter().find(|(known, _)| *known == address) {
        return copy;
    }
    let (write, sync) =
        (table.xWrite.expect("files are written"), table.xSync.expect("and synced"));
    let real = REAL.get_or_init(|| Real { write, sync });
    // Whatever kind of lock a file has, it is written in one way.
    assert!(ptr::fn_addr_eq(real.write, write) && ptr::fn_addr_eq(real.sync, sync));
    let copy = ffi::sqlite3_io_methods {
        xWrite: Some(write_or_fail),
        xSync: Some(sync_or_fail),
        ..*table
    };
    let copy = Box::leak(Box::new(copy));
    tables.push((address, copy));
    copy
}

unsafe extern "C" fn write_or_fail(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let write = REAL.get().expect("a file was opened").write;
    // SAFETY: the arguments are SQLite's own, and half of the bytes are bytes that are there.
    match strikes(true) {
        None => unsafe { write(file, bytes, length, offset) },
        Some(Kind::Full) => {
            unsafe { write(file, bytes, length / 2, offset) };
            ffi::SQLITE_FULL
        }
        Some(_) => ffi::SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn sync_or_fail(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let sync = REAL.get().expect("a file was opened").sync;
    match strikes(false) {
        // SAFETY: the arguments are SQLite's own.
        None => unsafe { sync(file, flags) },
        Some(_) => ffi::SQLITE_IOERR_FSYNC,
    }
}
