//! What `wit-bindgen` makes of the contract. Use the crate's root instead.

wit_bindgen::generate!({
    path: "../../wit/service-0.1.0",
    world: "paid-service",
    pub_export_macro: true,
    default_bindings_module: "stokehold_sdk::bindings",
});
