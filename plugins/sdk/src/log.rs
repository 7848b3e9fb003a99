//! Lines in the call's log. The provider reads it, the client does not.

use bindings::wasi::logging::logging::{Level, log};

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package stokehold:sdk-log;

            world log {
                import wasi:logging/logging@0.1.0-draft;
            }

            package wasi:logging@0.1.0-draft {
                interface logging {
                    enum level { trace, debug, info, warn, error, critical }
                    log: func(level: level, context: string, message: string);
                }
            }
        ",
        generate_all,
    });
}

/// Something that happened.
pub fn info(message: &str) {
    log(Level::Info, "", message);
}

/// Something that the provider should look at.
pub fn warn(message: &str) {
    log(Level::Warn, "", message);
}

/// Something that the provider has to mend.
pub fn error(message: &str) {
    log(Level::Error, "", message);
}
