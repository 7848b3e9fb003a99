//! What one command has compiled, the next one does not compile again.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use stokehold_tests::binary::{Ran, command};
use stokehold_tests::guest;

use crate::project::Project;

fn run_with(cache: &Path, arguments: &[&str]) -> Ran {
    let output = command(arguments).env("STOKEHOLD_CACHE", cache).output();
    Ran::new(output.expect("the program starts"))
}

/// The one file of machine code.
fn code(cache: &Path) -> PathBuf {
    let mut files = fs::read_dir(cache.join("code")).expect("a directory");
    let file = files.next().expect("a file").expect("a file").path();
    assert!(files.next().is_none(), "one component was compiled");
    file
}

#[test]
fn machine_code_is_shared_by_commands_and_believed_only_where_it_is_their_own() {
    let cache = tempfile::tempdir().expect("a directory");
    let cache = cache.path();
    let project = Project::new(&guest::echo(), "");
    let check = ["check", project.path()];
    let run = ["run", project.path(), "any"];
    run_with(cache, &check).success();
    let file = code(cache);
    let made = fs::metadata(&file).expect("a file").ino();
    run_with(cache, &run).success();
    assert_eq!(code(cache), file, "run, too, needs what check has made");
    assert_eq!(fs::metadata(&file).expect("a file").ino(), made, "and does not make it again");

    let mut bytes = fs::read(&file).expect("read");
    bytes[1000] ^= 1;
    fs::write(&file, &bytes).expect("written");
    let ran = run_with(cache, &run);
    assert!(ran.stderr.contains("damaged or foreign"), "{ran:?}");
    ran.success();
    assert_ne!(fs::read(code(cache)).expect("read"), bytes, "it was compiled again");
}

#[test]
fn a_cache_that_cannot_be_written_is_no_failure() {
    let project = Project::new(&guest::echo(), "");
    let ran = run_with(Path::new("/dev/null/cache"), &["check", project.path()]);
    assert!(ran.stderr.contains("note: machine code cannot be kept in /dev/null/cache"), "{ran:?}");
    assert!(ran.stderr.contains("STOKEHOLD_CACHE"), "{ran:?}");
    ran.success();
}
