//! Guests that behave and guests that do not, on the real runtime: one fault each.

mod answers;
mod contract;
mod faults;
mod fuel;
mod isolation;
mod library;
mod limits;
mod outbound;
mod profile;
mod services;
mod terms;
mod threads;
mod tls;

use std::time::Duration;

use stokehold_runtime::{Access, Budget, End, Program, Request, Run, Runtime, Settings, Stop};

/// Far more than any guest needs that ends by itself.
const BUDGET: Budget = Budget {
    fuel: 100_000_000,
    memory_bytes_max: 4 << 20,
    deadline: Duration::from_mins(1),
    output_bytes_max: 10_000,
    log_bytes_max: 1_000,
};

fn settings() -> Settings {
    Settings {
        guest_threads: 2,
        instances_max: 8,
        memory_bytes_max: 16 << 20,
        ..Settings::default()
    }
}

fn runtime() -> Runtime {
    Runtime::new(&settings()).expect("the runtime starts")
}

fn load(runtime: &Runtime, component: &[u8]) -> Program {
    let program = runtime.load(component);
    program.unwrap_or_else(|faults| panic!("{faults}"))
}

fn request() -> Request {
    Request {
        call_id: "call-1".to_owned(),
        route: "roll".to_owned(),
        params: r#"{"credits":1}"#.to_owned(),
        client_id: "client-1".to_owned(),
    }
}

/// Handles the usual request, for one credit.
async fn handle(runtime: &Runtime, program: &Program, budget: Budget) -> Run<String> {
    handle_with(runtime, program, budget, Access::default()).await
}

/// The same, with what it may reach.
async fn handle_with(
    runtime: &Runtime,
    program: &Program,
    budget: Budget,
    access: Access,
) -> Run<String> {
    runtime.handle(program, request(), 1_000_000, budget, access).await
}

/// Loads `component` and handles the usual request with it.
async fn handle_once(component: &[u8], budget: Budget) -> Run<String> {
    let runtime = runtime();
    let program = load(&runtime, component);
    handle(&runtime, &program, budget).await
}

fn stop<T: std::fmt::Debug>(run: &Run<T>) -> &Stop {
    match &run.end {
        End::Stopped(stop) => stop,
        _ => panic!("not stopped: {run:?}"),
    }
}
