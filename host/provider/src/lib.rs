//! For providers with a server of their own: charge a client's credits around a piece of work.
//!
//! ```no_run
//! use stokehold_provider::{Broker, Charge, ChargeError, Credits};
//!
//! # async fn work() -> Result<String, std::io::Error> { Ok(String::new()) }
//! # async fn f(account_token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let broker = Broker::new("https://broker.example.com", std::env::var("SERVICE_KEY")?)?;
//! let price = Credits::from_json_number("2.5")?;
//! let charge = Charge::new(account_token, price).description("Two kilos of coal, rolled");
//! let rolled = broker
//!     .charge(charge, async |tx| {
//!         let rolled = work().await?;
//!         tx.capture_at_most(Credits::from_micros(2_000_000)); // it was easier than expected
//!         Ok::<_, std::io::Error>(rolled)
//!     })
//!     .await;
//! match rolled {
//!     Ok(rolled) => println!("{rolled}"),
//!     Err(ChargeError::Authorize(error)) => println!("{}", error.to_rpc()),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Broker::charge`] authorizes, does the work, and captures; whatever goes wrong in between, the
//! client's credits come back. [`Broker::authorize`], [`Broker::capture`] and [`Broker::cancel`]
//! are for work that outlives a request. Amounts are [`Credits`], exact to one millionth.

mod amount;
mod broker;
mod charge;
mod error;
mod http;
mod rpc;
mod transaction;

pub use stokehold_ledger::{Credits, ParseCreditsError};

pub use broker::{Broker, EndpointError, TransactionToken};
pub use charge::{Charge, ChargeError};
pub use error::{Error, Shortage};
pub use transaction::Transaction;
