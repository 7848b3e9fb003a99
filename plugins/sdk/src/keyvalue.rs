//! What a service keeps from one call to the next: keys and values on the host's disk, the same
//! for all its calls, versions and hosts. A quote has none.

use std::fmt;

use crate::Failure;
use bindings::wasi::keyvalue::{atomics, store};

#[expect(clippy::pedantic, reason = "generated from the interface")]
mod bindings {
    // As much of `wasi:keyvalue` as is used.
    wit_bindgen::generate!({
        inline: "
            package stokehold:sdk-keyvalue;

            world keyvalue {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
            }

            package wasi:keyvalue@0.2.0-draft {
                interface store {
                    variant error { no-such-store, access-denied, other(string) }
                    resource bucket {
                        get: func(key: string) -> result<option<list<u8>>, error>;
                        set: func(key: string, value: list<u8>) -> result<_, error>;
                        delete: func(key: string) -> result<_, error>;
                    }
                    open: func(identifier: string) -> result<bucket, error>;
                }
                interface atomics {
                    use store.{bucket, error};
                    increment: func(bucket: borrow<bucket>, key: string, delta: u64) -> result<u64, error>;
                }
            }
        ",
        generate_all,
    });
}

/// The service's keys and values. What is changed is on the disk before the function returns, and
/// stays, whatever becomes of the call.
#[derive(Debug)]
pub struct Bucket(store::Bucket);

/// Why the host did not do as asked, in its words: a key or value is too long, the service keeps
/// too much, or the call is a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl Bucket {
    /// Opens the service's bucket.
    pub fn open() -> Result<Self, Error> {
        Ok(Self(store::open("default")?))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(key)?)
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        Ok(self.0.set(key, value)?)
    }

    /// Removes a key, which need not be there.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        Ok(self.0.delete(key)?)
    }

    /// Adds to a key's value, a decimal number as text and 0 where there is none, and answers the
    /// sum. It is one step, also where several calls do it at the same moment.
    pub fn increment(&self, key: &str, delta: u64) -> Result<u64, Error> {
        Ok(atomics::increment(&self.0, key, delta)?)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self(match error {
            store::Error::NoSuchStore => "there is no such bucket".to_owned(),
            store::Error::AccessDenied => "a quote keeps nothing".to_owned(),
            store::Error::Other(cause) => cause,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A service that cannot keep what it has to is not available.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Unavailable(format!("The service's state cannot be used: {error}"))
    }
}
