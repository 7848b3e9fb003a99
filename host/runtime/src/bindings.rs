//! The contract's types and exports, generated from its WIT.
//!
//! The imports are written by hand in `charge`: what they do needs the store's fuel, which the
//! generated traits do not see.

wasmtime::component::bindgen!({
    path: "../../wit/service-0.1.0",
    world: "paid-service",
    exports: { default: async },
    additional_derives: [PartialEq, Eq],
});
