//! The Coal Roller consumes electricity and does nothing useful: it makes up passphrases and
//! hashes them, for as long as the client's credits keep the fire fed.

mod furnace;
mod passphrase;

use std::num::NonZeroU64;

use serde::Deserialize;
use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service, charge, json};

use crate::passphrase::Secrets;

struct CoalRoller;

/// The parameters of the route `roll`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Roll {
    /// How much to burn.
    credits: Credits,
    /// How many passphrases to hash; as many as the credits pay for when it is not given.
    hashes: Option<NonZeroU64>,
}

impl Default for Roll {
    fn default() -> Self {
        Self { credits: Credits::from_micro(1_000_000), hashes: None }
    }
}

impl Roll {
    fn of(request: &Request) -> Result<Self, Failure> {
        match request.route.as_str() {
            "roll" => request.params(),
            _ => Err(request.unknown_route(&["roll"])),
        }
    }
}

impl Service for CoalRoller {
    fn quote(request: &Request) -> Result<Quote, Failure> {
        let Roll { credits, .. } = Roll::of(request)?;
        Ok(Quote::of(credits, "Coal rolled: electricity consumed, nothing useful done"))
    }

    fn handle(request: &Request) -> Result<Json, Failure> {
        let roll = Roll::of(request)?;
        let mut secrets = Secrets::of(&request.call_id);
        let mut sample = None;
        let mut burn = || {
            let secret = secrets.deal();
            sample = Some(furnace::written(&secret, &furnace::burn(&secret)));
        };
        let hashes = match roll.hashes {
            Some(wanted) => {
                (0..wanted.get()).for_each(|_| burn());
                wanted.get()
            }
            None => furnace::burn_while_fuel_lasts(charge::fuel_remaining, burn),
        };
        Ok(json!({ "hashes": hashes, "sample": sample }))
    }
}

stokehold_sdk::export!(CoalRoller);

#[cfg(test)]
mod tests {
    use stokehold_sdk::{Credits, Failure, Request, Service};

    use super::CoalRoller;

    fn request(route: &str, params: &str) -> Request {
        Request {
            call_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            route: route.into(),
            params: params.into(),
            client_id: "client".into(),
        }
    }

    fn quoted(params: &str) -> Result<Credits, Failure> {
        CoalRoller::quote(&request("roll", params)).map(|quote| Credits::from_micro(quote.credits))
    }

    #[test]
    fn a_quote_is_what_the_client_offers() {
        for (params, credits) in [("{}", "1"), (r#"{"credits":0.05,"hashes":3}"#, "0.05")] {
            assert_eq!(
                quoted(params).map(|credits| credits.to_string()).ok().as_deref(),
                Some(credits)
            );
        }
    }

    #[test]
    fn bad_params_are_refused_before_any_charge() {
        for params in [
            r#"{"credits":0}"#,
            r#"{"credits":null}"#,
            r#"{"hashes":0}"#,
            r#"{"hashes":1.5}"#,
            r#"{"coal":1}"#,
            "[1, 2, 3]",
        ] {
            assert!(matches!(quoted(params), Err(Failure::UserError(_))), "{params}");
        }
        assert!(matches!(CoalRoller::quote(&request("burn", "{}")), Err(Failure::UserError(_))));
    }

    #[test]
    fn it_hashes_as_often_as_it_is_told() {
        let answer =
            CoalRoller::handle(&request("roll", r#"{"hashes":2}"#)).expect("it is told well");
        assert_eq!(answer["hashes"], 2);
        let sample = answer["sample"].as_str().expect("a sample is text");
        let fields: Vec<_> = sample.split('$').collect();
        assert_eq!(fields[1..3], ["pbkdf2-sha512", "25000"]);
        assert_eq!((fields[3].len(), fields[4].len()), (22, 86));
    }
}
