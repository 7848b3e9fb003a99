//! Compiling, keeping and losing programs.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stokehold_runtime::{
    CacheSettings, CompileSettings, End, Fault, Library, LibrarySettings, LoadError, ShelfSettings,
    digest,
};
use stokehold_tests::{binary, guest};
use tempfile::TempDir;

use crate::{BUDGET, handle, request, runtime};

/// A library, the components that it was given, and how often it had to ask for one.
struct Shelf {
    library: Library,
    asked: AtomicUsize,
}

impl Shelf {
    fn open(settings: LibrarySettings) -> Self {
        let library = Library::open(runtime(), settings).expect("the library opens");
        Self { library, asked: AtomicUsize::new(0) }
    }

    fn cached(directory: &Path) -> Self {
        Self::open(LibrarySettings { cache: Some(cache(directory)), ..LibrarySettings::default() })
    }

    /// Runs the component's program, and says how often the component had to be asked for.
    async fn runs(&self, component: &[u8]) -> usize {
        let program = self.get(component).await.expect("a program");
        let runtime = self.library.runtime();
        let run = handle(runtime, &program, BUDGET).await;
        assert_eq!(run.end, End::Answered(request().params));
        self.asked.load(Ordering::Relaxed)
    }

    async fn get(
        &self,
        component: &[u8],
    ) -> Result<stokehold_runtime::Program, LoadError<Infallible>> {
        let bytes = async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(component.to_vec())
        };
        self.library.program(&digest(component), bytes).await
    }

    async fn refusal(&self, component: &[u8]) -> Fault {
        match self.get(component).await {
            Err(LoadError::Refused(faults)) => faults.0[0].clone(),
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn cache(directory: &Path) -> CacheSettings {
    CacheSettings { directory: directory.to_owned(), secret: [7; 32], bytes_max: 1 << 30 }
}

fn apart(mut compile: CompileSettings) -> Shelf {
    compile.program = Some(binary::path().to_owned());
    Shelf::open(LibrarySettings { compile, ..LibrarySettings::default() })
}

/// Answers its params, and differs from others of its kind.
fn echo(number: u32) -> Vec<u8> {
    let guest = guest::Guest {
        fields: &format!("(func (drop (i32.const {number})))"),
        handle: "(call $answer (local.get $params) (local.get $params_bytes))",
        ..guest::Guest::default()
    };
    guest.component()
}

fn only_file(directory: &TempDir) -> std::path::PathBuf {
    let mut files = fs::read_dir(directory).expect("a directory");
    let file = files.next().expect("a file").expect("a file").path();
    assert!(files.next().is_none());
    file
}

#[tokio::test]
async fn machine_code_outlives_the_process_that_made_it() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 1);
    let later = Shelf::cached(directory.path());
    assert_eq!(later.runs(&guest::echo()).await, 0);
    let program = later.get(&guest::echo()).await.expect("a program");
    assert_eq!(program.report().size_bytes, guest::echo().len());
    assert_eq!(program.report().digest, digest(&guest::echo()));
}

#[tokio::test]
async fn damaged_code_is_compiled_again() {
    let directory = tempfile::tempdir().expect("a directory");
    Shelf::cached(directory.path()).runs(&guest::echo()).await;
    let file = only_file(&directory);
    let good = fs::read(&file).expect("machine code");
    for place in [0, good.len() / 2, good.len() - 40, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[place] ^= 1;
        fs::write(&file, damaged).expect("damaged");
        assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 1, "byte {place}");
    }
    fs::write(&file, &good[..good.len() / 2]).expect("cut");
    assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 1);
    fs::write(&file, "").expect("emptied");
    assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 1);
}

#[tokio::test]
async fn code_of_another_host_or_component_is_compiled_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let foreign = CacheSettings { secret: [8; 32], ..cache(directory.path()) };
    let foreign = LibrarySettings { cache: Some(foreign), ..LibrarySettings::default() };
    Shelf::open(foreign).runs(&guest::echo()).await;
    assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 1);

    let file = only_file(&directory);
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let other = name.replace(&digest(&guest::echo()), &digest(&echo(1)));
    fs::rename(&file, directory.path().join(other)).expect("renamed");
    assert_eq!(Shelf::cached(directory.path()).runs(&echo(1)).await, 1);
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_one_compilation() {
    let shelf = Shelf::open(LibrarySettings::default());
    let component = guest::echo();
    let all = (shelf.get(&component), shelf.get(&component), shelf.get(&component));
    let (one, two, three) = tokio::join!(all.0, all.1, all.2);
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(shelf.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_was_refused_is_refused_at_once() {
    let shelf = Shelf::open(LibrarySettings::default());
    let first = shelf.refusal(b"\0asm\x0d\0\x01\0\x01\xff").await;
    assert_eq!(shelf.refusal(b"\0asm\x0d\0\x01\0\x01\xff").await, first);
    assert_eq!(shelf.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_was_used_least_recently_leaves_memory() {
    let memory = ShelfSettings { programs_max: 2, ..ShelfSettings::default() };
    let shelf = Shelf::open(LibrarySettings { memory, ..LibrarySettings::default() });
    for (number, asked) in [(1, 1), (2, 2), (1, 2), (3, 3), (1, 3), (2, 4)] {
        assert_eq!(shelf.runs(&echo(number)).await, asked, "{number}");
    }
    let memory = ShelfSettings { code_bytes_max: 1, ..ShelfSettings::default() };
    let shelf = Shelf::open(LibrarySettings { memory, ..LibrarySettings::default() });
    for (number, asked) in [(1, 1), (1, 1), (2, 2), (1, 3)] {
        assert_eq!(shelf.runs(&echo(number)).await, asked, "{number}");
    }
}

#[tokio::test]
async fn the_cache_has_a_size() {
    let directory = tempfile::tempdir().expect("a directory");
    let size = {
        Shelf::cached(directory.path()).runs(&echo(1)).await;
        fs::metadata(only_file(&directory)).expect("a file").len()
    };
    let cache = CacheSettings { bytes_max: size * 2 + size / 2, ..cache(directory.path()) };
    let settings = LibrarySettings { cache: Some(cache), ..LibrarySettings::default() };
    let shelf = Shelf::open(settings.clone());
    for number in 1..=3 {
        shelf.runs(&echo(number)).await;
    }
    assert_eq!(fs::read_dir(&directory).expect("a directory").count(), 2);
    // The first to come was the first to go.
    assert_eq!(Shelf::open(settings.clone()).runs(&echo(3)).await, 0);
    assert_eq!(Shelf::open(settings).runs(&echo(1)).await, 1);
}

#[tokio::test]
async fn a_process_of_its_own_compiles_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let compile =
        CompileSettings { program: Some(binary::path().to_owned()), ..CompileSettings::default() };
    let settings = LibrarySettings {
        compile,
        cache: Some(cache(directory.path())),
        ..LibrarySettings::default()
    };
    assert_eq!(Shelf::open(settings).runs(&guest::echo()).await, 1);
    assert_eq!(Shelf::cached(directory.path()).runs(&guest::echo()).await, 0);
}

#[tokio::test]
async fn a_compilation_that_takes_too_long_is_killed() {
    let shelf = apart(CompileSettings { time_max: Duration::ZERO, ..CompileSettings::default() });
    let fault = shelf.refusal(&guest::echo()).await;
    assert_eq!(
        fault.what,
        "compiling took too long: the limit is 0 s, and it was not done after that"
    );
    // The failure is remembered: it costs no second time.
    shelf.refusal(&guest::echo()).await;
    assert_eq!(shelf.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_compilation_that_takes_too_much_memory_ends() {
    let bytes = 220 << 20;
    let shelf = apart(CompileSettings { memory_bytes_max: bytes, ..CompileSettings::default() });
    let work = "(drop (call $authorized))".repeat(1_000_000);
    let fault = shelf.refusal(&guest::component(&format!("{work} (call $done)"))).await;
    let start = format!("compiling takes too much memory: the limit is {bytes} bytes, and it ");
    assert!(fault.what.starts_with(&start), "{}", fault.what);
}

#[tokio::test]
async fn the_smallest_limit_is_enough_for_a_small_component() {
    let bytes = 256 << 20;
    let shelf = apart(CompileSettings { memory_bytes_max: bytes, ..CompileSettings::default() });
    assert_eq!(shelf.runs(&guest::echo()).await, 1);
}

#[tokio::test]
async fn what_does_not_compile_says_why() {
    let shelf = apart(CompileSettings::default());
    let fault = shelf.refusal(b"\0asm\x0d\0\x01\0\x01\xff").await;
    assert!(fault.what.starts_with("the component does not compile: "), "{}", fault.what);
    assert!(fault.what.contains("unexpected end-of-file"), "{}", fault.what);
}
