//! What the manifest says to its own service: the texts in `[config]`, and the secrets that
//! `[secrets]` names. A quote may ask for them as well.

use crate::Failure;
use bindings::wasi::config::store;

#[expect(clippy::pedantic, reason = "generated from the interface")]
mod bindings {
    // As much of `wasi:config` as is used.
    wit_bindgen::generate!({
        inline: "
            package stokehold:sdk-config;

            world config {
                import wasi:config/store@0.2.0-rc.1;
            }

            package wasi:config@0.2.0-rc.1 {
                interface store {
                    variant error { upstream(string), io(string) }
                    get: func(key: string) -> result<option<string>, error>;
                }
            }
        ",
        generate_all,
    });
}

/// The text or secret with this name; `None` where the manifest has none.
pub fn get(name: &str) -> Result<Option<String>, Failure> {
    store::get(name).map_err(|error| {
        let (store::Error::Upstream(cause) | store::Error::Io(cause)) = error;
        Failure::Unavailable(format!("The setting {name} cannot be read: {cause}"))
    })
}

/// The text or secret with this name. A manifest that has none is the provider's to mend, so the
/// client is told that the service is not available.
pub fn required(name: &str) -> Result<String, Failure> {
    get(name)?.ok_or_else(|| Failure::Unavailable(format!("The setting {name} is missing")))
}
