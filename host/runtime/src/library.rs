//! The programs of a host: in memory while they are used, on disk as machine code, or compiled.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, Semaphore};

use crate::cache::{self, Cache, CacheSettings, Cached};
use crate::compiler::{self, CompileSettings, NotCompiled};
use crate::engine::StartError;
use crate::fault::Faults;
use crate::program::Program;
use crate::runtime::Runtime;

/// How many programs are kept, and how they come to be.
#[derive(Clone, Default)]
pub struct LibrarySettings {
    /// How components are compiled.
    pub compile: CompileSettings,
    /// Where machine code is kept; without one, it is compiled at each start.
    pub cache: Option<CacheSettings>,
    /// What is kept in memory.
    pub memory: ShelfSettings,
}

/// What is kept in memory. The programs of running calls stay as long as those need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfSettings {
    /// Programs, and components known to be refused. 4,096 by default: a program takes some 20 KiB
    /// beside its machine code.
    pub programs_max: usize,
    /// Bytes of machine code. 1 GiB by default; what comes from the cache is mapped, and the system
    /// may take its memory back at any time.
    pub code_bytes_max: usize,
}

impl Default for ShelfSettings {
    fn default() -> Self {
        ShelfSettings { programs_max: 4_096, code_bytes_max: 1 << 30 }
    }
}

/// Why a component gives no program.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// It is refused. The same component is refused at once the next time.
    #[error(transparent)]
    Refused(Faults),
    /// It cannot be had.
    #[error("the component cannot be read")]
    Component(#[source] E),
    /// The host failed.
    #[error("the component cannot be compiled now: {0}")]
    Host(String),
}

/// The programs of a host. Nothing is compiled or loaded before it is asked for.
pub struct Library {
    runtime: Runtime,
    compile: CompileSettings,
    compiling: Semaphore,
    cache: Option<Arc<Cache>>,
    shelf: Mutex<Shelf>,
}

type Loaded = Arc<OnceCell<Result<Program, Faults>>>;

/// Programs by the digest of their component.
struct Shelf {
    settings: ShelfSettings,
    programs: HashMap<String, (Loaded, u64)>,
    /// Counts uses, so that the least recent one is known.
    uses: u64,
}

impl Library {
    /// Opens a library of programs for `runtime`.
    pub fn open(runtime: Runtime, settings: LibrarySettings) -> Result<Self, StartError> {
        let cache = settings.cache.map(|cache| Cache::open(cache, runtime.engine()));
        Ok(Library {
            cache: cache.transpose().map_err(StartError::Cache)?.map(Arc::new),
            compiling: Semaphore::new(settings.compile.at_once_max),
            compile: settings.compile,
            shelf: Mutex::new(Shelf {
                settings: settings.memory,
                programs: HashMap::new(),
                uses: 0,
            }),
            runtime,
        })
    }

    /// The runtime that the programs belong to.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The program of a component that nobody has seen yet.
    pub async fn admit(&self, component: Vec<u8>) -> Result<Program, LoadError<Infallible>> {
        let (digest, component) = blocking(move || (digest(&component), component)).await?;
        self.program(&digest, async { Ok(component) }).await
    }

    /// The program of the component with this digest. `component` gives its bytes, and is asked
    /// only where neither memory nor cache has the program. Whoever asks for the same one at the
    /// same time shares the result.
    pub async fn program<E>(
        &self,
        digest: &str,
        component: impl Future<Output = Result<Vec<u8>, E>>,
    ) -> Result<Program, LoadError<E>> {
        let loaded = self.shelf().take(digest);
        if let Some(program) = loaded.get() {
            return program.clone().map_err(LoadError::Refused);
        }
        let program = match loaded.get_or_try_init(|| self.load(digest, component)).await {
            Ok(program) => program.clone(),
            Err(error) => {
                self.shelf().forget(digest);
                return Err(error);
            }
        };
        self.shelf().trim(digest);
        program.map_err(LoadError::Refused)
    }

    async fn load<E>(
        &self,
        digest: &str,
        component: impl Future<Output = Result<Vec<u8>, E>>,
    ) -> Result<Result<Program, Faults>, LoadError<E>> {
        if let Some(cached) = self.cached(digest).await? {
            return self.finish(digest, cached).await;
        }
        let component = component.await.map_err(LoadError::Component)?;
        if let Err(fault) = self.runtime.loader().check_bytes(&component) {
            return Ok(Err(fault.into()));
        }
        let size_bytes = component.len();
        let code = match self.compile(component).await {
            Ok(code) => code,
            Err(NotCompiled::Refused(fault)) => return Ok(Err(fault.into())),
            Err(NotCompiled::Host(why)) => return Err(LoadError::Host(why)),
        };
        let cached = self.keep(digest, code, size_bytes).await?;
        self.finish(digest, cached).await
    }

    async fn compile(&self, component: Vec<u8>) -> Result<Vec<u8>, NotCompiled> {
        let place = self.compiling.acquire().await;
        let _place = place.map_err(|closed| NotCompiled::Host(closed.to_string()))?;
        if let Some(program) = &self.compile.program {
            return compiler::compile_apart(&self.compile, program, &component).await;
        }
        let engine = self.runtime.engine().clone();
        let compiling = move || compiler::compile_here(&engine, &component);
        let code = tokio::task::spawn_blocking(compiling).await;
        code.map_err(|lost| NotCompiled::Host(lost.to_string()))?.map_err(NotCompiled::Refused)
    }

    async fn cached<E>(&self, digest: &str) -> Result<Option<Cached>, LoadError<E>> {
        let Some(cache) = self.cache.clone() else { return Ok(None) };
        let (engine, digest) = (self.runtime.engine().clone(), digest.to_owned());
        blocking(move || cache.load(&engine, &digest)).await
    }

    /// A cache that cannot be written costs time, no call.
    async fn keep<E>(
        &self,
        digest: &str,
        code: Vec<u8>,
        size_bytes: usize,
    ) -> Result<Cached, LoadError<E>> {
        let (engine, digest) = (self.runtime.engine().clone(), digest.to_owned());
        let cache = self.cache.clone();
        let cached = blocking(move || {
            if let Some(cache) = cache {
                match cache.keep(&engine, &digest, &code, size_bytes) {
                    Ok(cached) => return Ok(cached),
                    Err(error) => tracing::warn!(%error, "machine code cannot be kept"),
                }
            }
            cache::adopt(&engine, &code).map(|component| Cached { component, size_bytes })
        });
        cached.await?.map_err(|error| LoadError::Host(format!("{error:#}")))
    }

    async fn finish<E>(
        &self,
        digest: &str,
        cached: Cached,
    ) -> Result<Result<Program, Faults>, LoadError<E>> {
        let (runtime, digest) = (self.runtime.clone(), digest.to_owned());
        blocking(move || runtime.loader().finish(&cached.component, digest, cached.size_bytes))
            .await
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn blocking<T: Send + 'static, E>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError<E>> {
    tokio::task::spawn_blocking(work).await.map_err(|lost| LoadError::Host(lost.to_string()))
}

impl Shelf {
    /// The place of a program, which may still be empty.
    fn take(&mut self, digest: &str) -> Loaded {
        self.uses += 1;
        if let Some((loaded, used)) = self.programs.get_mut(digest) {
            *used = self.uses;
            return loaded.clone();
        }
        let loaded = Loaded::default();
        self.programs.insert(digest.to_owned(), (loaded.clone(), self.uses));
        loaded
    }

    /// Lets go of a place that stayed empty.
    fn forget(&mut self, digest: &str) {
        if self.programs.get(digest).is_some_and(|(loaded, _)| !loaded.initialized()) {
            self.programs.remove(digest);
        }
    }

    /// Lets go of what was used least recently until the rest fits; `newest` stays.
    fn trim(&mut self, newest: &str) {
        let bytes = |loaded: &Loaded| match loaded.get() {
            Some(Ok(program)) => program.code_bytes(),
            _ => 0,
        };
        let mut sum: usize = self.programs.values().map(|(loaded, _)| bytes(loaded)).sum();
        while sum > self.settings.code_bytes_max || self.programs.len() > self.settings.programs_max
        {
            // What is still loading has to stay, or two would load it.
            let oldest = self
                .programs
                .iter()
                .filter(|(digest, (loaded, _))| loaded.initialized() && digest.as_str() != newest);
            let Some(oldest) = oldest.min_by_key(|(_, (_, used))| *used) else { return };
            let digest = oldest.0.clone();
            if let Some((loaded, _)) = self.programs.remove(&digest) {
                sum = sum.saturating_sub(bytes(&loaded));
            }
        }
    }
}

/// The identity of a component: SHA-256, in hexadecimal.
pub fn digest(component: &[u8]) -> String {
    Sha256::digest(component).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
