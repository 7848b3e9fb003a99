//! The trait that a service implements, and its way to the contract's exports.

use crate::bindings::exports::stokehold::service::service::Guest;
use crate::{Failure, Json, Quote, Request};

/// A paid service. Each call gets an instance of its own, so there is no `self`: nothing stays in
/// memory from one call to the next.
pub trait Service {
    /// Says what `request` may cost at most. It runs before any credit moves, on a small
    /// allowance of fuel that the host gives for nothing. Refuse bad parameters here: it costs
    /// the client nothing and the host little.
    fn quote(request: &Request) -> Result<Quote, Failure>;

    /// Does the work, with the fuel that the quoted credits buy. A failure costs the client
    /// nothing.
    fn handle(request: &Request) -> Result<Json, Failure>;
}

impl<S: Service> Guest for S {
    fn quote(request: Request) -> Result<Quote, Failure> {
        <S as Service>::quote(&request)
    }

    fn handle(request: Request) -> Result<String, Failure> {
        <S as Service>::handle(&request).map(|answer| answer.to_string())
    }
}
