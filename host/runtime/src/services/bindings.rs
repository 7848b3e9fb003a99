//! The drafts of WASI that are ours to implement, generated from their WIT.

wasmtime::component::bindgen!({
    path: "wit",
    world: "stokehold:host/services",
    imports: { default: async | trappable },
    with: { "wasi:keyvalue/store.bucket": super::key_value::Bucket },
});
