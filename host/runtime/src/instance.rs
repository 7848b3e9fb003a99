//! One run: an instance, a call, and the end of both.

use std::mem;
use std::pin::Pin;
use std::time::Instant;

use wasmtime::Store;

use crate::access::Access;
use crate::bill::{Bill, Collector, Turn};
use crate::bindings::PaidService;
use crate::budget::{Budget, Terms};
use crate::charge::Charge;
use crate::log::Log;
use crate::memory::MemoryMeter;
use crate::profile::{self, Profiler};
use crate::program::Program;
use crate::run::{End, Run};
use crate::services::Services;
use crate::settings::Settings;
use crate::stop::{Phase, Stop};
use crate::{Failure, Quote};

/// What the host keeps beside a guest.
pub(crate) struct State {
    pub(crate) charge: Charge,
    pub(crate) log: Log,
    pub(crate) bill: Bill,
    pub(crate) turn: Turn,
    pub(crate) access: Access,
    /// Made when the guest first asks for one.
    pub(crate) services: Option<Box<Services>>,
    pub(crate) profiler: Option<Profiler>,
    memory: MemoryMeter,
}

/// What a guest answers with.
pub(crate) trait Answer: Send + 'static {
    fn text_bytes(&self) -> usize;
}

impl Answer for String {
    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl Answer for Quote {
    fn text_bytes(&self) -> usize {
        self.description.as_ref().map_or(0, String::len)
    }
}

fn failure_text_bytes(failure: &Failure) -> usize {
    let (Failure::UserError(text) | Failure::AccessError(text) | Failure::Unavailable(text)) =
        failure;
    text.len()
}

/// Calls one export of a new instance.
pub(crate) type Export<T> =
    for<'a> fn(&'a PaidService, &'a mut Store<State>, &'a crate::Request) -> Called<'a, T>;
pub(crate) type Called<'a, T> =
    Pin<Box<dyn Future<Output = wasmtime::Result<Result<T, Failure>>> + Send + 'a>>;

/// One call, before it runs.
pub(crate) struct Call<T> {
    pub(crate) program: Program,
    pub(crate) export: Export<T>,
    pub(crate) request: crate::Request,
    pub(crate) terms: Terms,
    pub(crate) budget: Budget,
    pub(crate) access: Access,
}

impl<T: Answer> Call<T> {
    /// Runs the call to its end and tells what it used. Nothing of the instance stays.
    pub(crate) async fn run(mut self, settings: &Settings) -> Run<T> {
        let start = Instant::now();
        let mut store = match self.store(settings) {
            Ok(store) => store,
            Err(error) => return Run::broken(format!("{error:#}")),
        };
        let deadline = self.budget.deadline;
        let engine = self.program.pre().engine().clone();
        let run = self.end(&mut store);
        let run =
            async { if settings.profile { profile::watch(&engine, run).await } else { run.await } };
        let end = match tokio::time::timeout(deadline, run).await {
            Ok(end) => end,
            Err(_) => End::Stopped(Stop::Deadline { limit: deadline, elapsed: start.elapsed() }),
        };
        self.measured(end, start, store)
    }

    fn store(&mut self, settings: &Settings) -> wasmtime::Result<Store<State>> {
        let budget = &self.budget;
        let memory_bytes_max = budget.memory_bytes_max.min(settings.memory_bytes_max);
        let state = State {
            charge: Charge {
                authorized: self.terms.authorized,
                reserve_fuel: self.terms.reserve_fuel,
                capture_at_most: None,
            },
            log: Log::new(
                budget.log_bytes_max,
                self.terms.listener.take(),
                self.access.secrets.clone(),
            ),
            bill: Bill::default(),
            turn: Turn::new(budget.fuel, settings.fuel_yield_interval),
            access: mem::take(&mut self.access),
            services: None,
            profiler: settings.profile.then(|| Profiler::new(budget.fuel)),
            memory: MemoryMeter::new(memory_bytes_max, settings.table_elements_max),
        };
        let mut store = Store::new(self.program.pre().engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(budget.output_bytes_max);
        store.set_fuel(budget.fuel)?;
        store.fuel_async_yield_interval(Some(settings.fuel_yield_interval))?;
        if settings.profile {
            profile::start(&mut store)?;
        }
        if self.program.uses_services() {
            store.call_hook_async(Collector);
        }
        Ok(store)
    }

    async fn end(&self, store: &mut Store<State>) -> End<T> {
        let Budget { fuel, output_bytes_max, .. } = self.budget;
        let stopped = |phase, error| End::Stopped(Stop::new(&error, phase, fuel, output_bytes_max));
        // Start functions are the guest's code as well: they run on its fuel and its time.
        let service = match self.program.pre().instantiate_async(&mut *store).await {
            Ok(service) => service,
            Err(error) => return stopped(Phase::Instantiating, error),
        };
        match (self.export)(&service, store, &self.request).await {
            // The engine bounds what it copies; a text can be longer here than in the guest,
            // where it may be UTF-16.
            Ok(Ok(answer)) if answer.text_bytes() <= output_bytes_max => End::Answered(answer),
            Ok(Err(failure)) if failure_text_bytes(&failure) <= output_bytes_max => {
                End::Failed(failure)
            }
            Ok(_) => End::Stopped(Stop::Output { limit_bytes: output_bytes_max }),
            Err(error) => stopped(Phase::Calling, error),
        }
    }

    fn measured(&self, end: End<T>, start: Instant, store: Store<State>) -> Run<T> {
        let fuel_left = match store.get_fuel() {
            Ok(fuel) => fuel,
            Err(error) => return Run::broken(format!("{error:#}")),
        };
        // The instance goes here; to clean up after it is part of the run.
        let state = store.into_data();
        Run {
            end,
            fuel_used: self.budget.fuel.saturating_sub(fuel_left),
            memory_peak_bytes: state.memory.peak_bytes(),
            elapsed: start.elapsed(),
            capture_at_most: state.charge.capture_at_most,
            log: state.log.into_lines(),
            host_calls: state.bill.calls(),
            profile: state.profiler.map(|profiler| profiler.finish(fuel_left)),
        }
    }
}
