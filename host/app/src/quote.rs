//! Quotes that were asked for on their own: what a call will cost at the most, signed.
//!
//! Nothing is stored of a quote. It says itself which call it is for, and the host that is shown it
//! again knows it by its signature.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stokehold_ledger::{Credits, Span, Timestamp};

use crate::app::App;
use crate::call::Prepared;
use crate::error::Error;
use crate::manifest::{On, Settle};
use crate::outcome::CallFailure;
use crate::receipt::{instant, number};

/// The type in the header of a quote.
const TYPE: &str = "stokehold-quote+jws";

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What a call may cost.
#[derive(Clone, Debug)]
pub(crate) struct Quoted {
    pub(crate) credits: Credits,
    pub(crate) description: Option<String>,
}

/// A quote that binds the service.
#[derive(Clone, Debug)]
pub struct Quote {
    /// What the call may cost at the most.
    pub credits: Credits,
    /// What it is for, in the service's words.
    pub description: Option<String>,
    /// The version that it is for.
    pub version: u32,
    /// The fuel that these credits buy.
    pub fuel: u64,
    /// What is captured of a call that succeeds.
    pub settle: Settle,
    /// What calls cost that do not.
    pub on: On,
    /// Until when it binds.
    pub expires_at: Timestamp,
    /// The quote itself, to be sent along with the call.
    pub signed: String,
}

/// What a quote says: which call it is for, and its price.
#[derive(Deserialize, Serialize)]
struct Terms {
    service: String,
    version: u32,
    component_sha256: String,
    client: String,
    route: String,
    params_sha256: String,
    credits: Box<RawValue>,
    description: Option<String>,
    fuel: u64,
    expires_at: String,
    /// The same in whole seconds since 1970.
    exp: i64,
}

impl App {
    /// Makes a quote binding.
    pub(crate) fn bind(&self, call: &Prepared, quoted: Quoted) -> Result<Quote, CallFailure> {
        let broken = || CallFailure::Host(Error::Host("a quote cannot be written".into()));
        let valid = Span::from_duration(Duration::from_secs(self.config.calls.quote_valid_s));
        let exp = self.store.now().after(valid).0.div_euclid(MICROS_PER_SECOND);
        let expires_at = Timestamp(exp.saturating_mul(MICROS_PER_SECOND));
        let (active, manifest) = (&call.active, &call.active.manifest);
        let fuel = self.fuel_for(manifest, quoted.credits);
        let terms = Terms {
            service: call.live.service.name.clone(),
            version: active.version.number,
            component_sha256: active.version.digest.clone(),
            client: call.guest.client_id.clone(),
            route: call.guest.route.clone(),
            params_sha256: call.params_digest.clone(),
            credits: number(quoted.credits).ok_or_else(broken)?,
            description: quoted.description.clone(),
            fuel,
            expires_at: instant(expires_at),
            exp,
        };
        let payload = serde_json::to_vec(&terms).map_err(|_| broken())?;
        Ok(Quote {
            credits: quoted.credits,
            description: quoted.description,
            version: active.version.number,
            fuel,
            settle: manifest.settle,
            on: manifest.on,
            expires_at,
            signed: self.keyring.sign(TYPE, &payload),
        })
    }

    /// What a call costs that comes with a quote: what that says, if it is for this very call.
    pub(crate) async fn bound(&self, call: &Prepared, quote: &str) -> Result<Quoted, CallFailure> {
        let refused =
            |why: String| CallFailure::BadQuote(format!("the quote does not hold: {why}"));
        let opened = self.keyring.open(&self.store, TYPE, quote).await?;
        let payload = opened.map_err(|error| refused(error.to_string()))?;
        let terms: Terms = serde_json::from_slice(&payload)
            .map_err(|error| refused(format!("its terms: {error}")))?;
        if let Some(why) = terms.misfit(call, self.store.now()) {
            return Err(refused(why));
        }
        let credits = Credits::from_json_number(terms.credits.get())
            .map_err(|error| refused(format!("its price is {error}")))?;
        Ok(Quoted { credits, description: terms.description })
    }
}

impl Terms {
    /// Why a quote is not for this call now.
    fn misfit(&self, call: &Prepared, now: Timestamp) -> Option<String> {
        let version = &call.active.version;
        if self.service != call.live.service.name {
            return Some(format!("it is of the service {}", self.service));
        }
        if (self.version, &self.component_sha256) != (version.number, &version.digest) {
            let (quoted, live) = (self.version, version.number);
            return Some(format!(
                "it is of version {quoted}, and the service is at version {live}"
            ));
        }
        let fits = [
            (self.client == call.guest.client_id, "it was given to another account"),
            (self.route == call.guest.route, "it is for another route"),
            (self.params_sha256 == call.params_digest, "it is for other params"),
        ];
        let misfit = fits.into_iter().find(|(fits, _)| !fits).map(|(_, why)| why.to_owned());
        let is_over = now.0 >= self.exp.saturating_mul(MICROS_PER_SECOND);
        misfit.or_else(|| is_over.then(|| format!("it has expired at {}", self.expires_at)))
    }
}
