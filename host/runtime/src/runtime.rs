//! The runtime: loads programs and runs them.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Runtime as Threads;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::access::Access;
use crate::budget::{Budget, Terms};
use crate::engine::{self, StartError};
use crate::fault::Faults;
use crate::instance::{Answer, Call, State};
use crate::load::Loader;
use crate::program::Program;
use crate::run::Run;
use crate::settings::Settings;
use crate::{Quote, Request, charge, services, threads};

/// Loads components and runs them on threads of its own. Cheap to clone; the last clone that
/// goes takes the threads with it, without waiting for runs that nobody waits for.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    loader: Loader,
    places: Arc<Semaphore>,
    // An option only for `drop`, which has to take it.
    threads: Option<Threads>,
}

impl Runtime {
    /// Starts an engine and its threads.
    pub fn new(settings: &Settings) -> Result<Self, StartError> {
        for (name, zero) in [
            ("guest_threads", settings.guest_threads == 0),
            ("instances_max", settings.instances_max == 0),
            ("fuel_yield_interval", settings.fuel_yield_interval == 0),
        ] {
            if zero {
                return Err(StartError::Zero(name));
            }
        }
        let engine = engine::start(settings)?;
        let mut linker = Linker::<State>::new(&engine);
        charge::add_to_linker(&mut linker)
            .and_then(|()| services::add_to_linker(&mut linker))
            .map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let places = usize::try_from(settings.instances_max).unwrap_or(Semaphore::MAX_PERMITS);
        let inner = Inner {
            settings: Arc::new(settings.clone()),
            loader: Loader::new(linker, settings),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            threads: Some(threads::start(settings.guest_threads)?),
        };
        Ok(Runtime { inner: Arc::new(inner) })
    }

    /// Checks a component against the contract and compiles it, or tells all that is wrong with
    /// it. This takes up to seconds of all cores, has no limits and must not run on an async
    /// thread: a host takes strangers' components through a [`Library`](crate::Library).
    pub fn load(&self, component: &[u8]) -> Result<Program, Faults> {
        self.inner.loader.load(component)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.inner.loader.engine()
    }

    pub(crate) fn loader(&self) -> &Loader {
        &self.inner.loader
    }

    /// Asks what `request` may cost. The guest sees an authorized amount of 0, and of `access` the
    /// configuration alone.
    pub async fn quote(
        &self,
        program: &Program,
        request: Request,
        budget: Budget,
        access: &Access,
    ) -> Run<Quote> {
        self.run(Call {
            program: program.clone(),
            access: access.of_quote(),
            export: |service, store, request| {
                let service = service.stokehold_service_service();
                Box::pin(service.call_quote(store, request))
            },
            request,
            terms: Terms::default(),
            budget,
        })
        .await
    }

    /// Has `request` done, on these terms. The answer is whatever text the guest
    /// returned: whether it is JSON is the caller's question.
    pub async fn handle(
        &self,
        program: &Program,
        request: Request,
        terms: impl Into<Terms>,
        budget: Budget,
        access: Access,
    ) -> Run<String> {
        self.run(Call {
            program: program.clone(),
            access,
            export: |service, store, request| {
                let service = service.stokehold_service_service();
                Box::pin(service.call_handle(store, request))
            },
            request,
            terms: terms.into(),
            budget,
        })
        .await
    }

    async fn run<T: Answer>(&self, call: Call<T>) -> Run<T> {
        let places = Arc::clone(&self.inner.places);
        let settings = Arc::clone(&self.inner.settings);
        self.on_guest_thread(async move {
            // Held until the instance is gone: instances never outnumber the pool's.
            match places.acquire().await {
                Ok(_place) => call.run(&settings).await,
                Err(closed) => Run::broken(closed.to_string()),
            }
        })
        .await
    }

    /// If the caller stops waiting, the guest stops as well: there is nobody left to tell how it
    /// ended.
    async fn on_guest_thread<T: Send + 'static>(
        &self,
        run: impl Future<Output = Run<T>> + Send + 'static,
    ) -> Run<T> {
        let Some(threads) = &self.inner.threads else {
            return Run::broken("the runtime has shut down".to_owned());
        };
        // A set of one: unlike a handle, it aborts its task when it goes.
        let mut task = JoinSet::new();
        task.spawn_on(run, threads.handle());
        match task.join_next().await {
            Some(Ok(run)) => run,
            Some(Err(error)) => Run::broken(error.to_string()),
            None => Run::broken("the run was lost".to_owned()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Waiting for threads would panic where this runs on an async thread.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Runtime;
    use crate::{End, Run, Settings, StartError, Stop};

    #[tokio::test]
    async fn a_panic_of_the_host_ends_one_run_only() {
        let runtime = Runtime::new(&Settings::default()).unwrap();
        let run: Run<()> = runtime.on_guest_thread(async { panic!("a bug") }).await;
        let End::Stopped(Stop::HostFault(reason)) = run.end else {
            panic!("{run:?}");
        };
        assert!(reason.contains("a bug"), "{reason}");
        let run = runtime.on_guest_thread(async { Run::<()>::broken("reached".to_owned()) }).await;
        assert_eq!(run.end, End::Stopped(Stop::HostFault("reached".to_owned())));
    }

    #[test]
    fn a_setting_of_zero_is_named() {
        let settings = Settings { instances_max: 0, ..Settings::default() };
        let error = Runtime::new(&settings).unwrap_err();
        assert!(matches!(error, StartError::Zero("instances_max")));
    }
}
