//! Reading a request.

use serde::de::DeserializeOwned;

use crate::{Failure, Request};

impl Request {
    /// Reads the parameters as a `P`. What does not fit is a user error that names the field.
    ///
    /// Put `#[serde(deny_unknown_fields)]` on `P`, so that a client's typing error is told and
    /// not ignored.
    pub fn params<P: DeserializeOwned>(&self) -> Result<P, Failure> {
        let json = &mut serde_json::Deserializer::from_str(&self.params);
        serde_path_to_error::deserialize(json).map_err(|error| {
            let cause = error.inner().to_string();
            // The host wrote this text anew, so a place in it tells the client nothing.
            let what = cause.rsplit_once(" at line ").map_or(&*cause, |(what, _)| what);
            Failure::UserError(match error.path().to_string().as_str() {
                "." => format!("params: {what}"),
                field => format!("params.{field}: {what}"),
            })
        })
    }

    /// The user error for a route that the service does not have. It lists those it has.
    pub fn unknown_route(&self, routes: &[&str]) -> Failure {
        Failure::UserError(format!(
            "There is no route `{}` in this service; it has: {}",
            self.route,
            routes.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::{Credits, Failure, Request};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Params {
        credits: Option<Credits>,
        list: Option<Vec<u8>>,
    }

    fn request(params: &str) -> Request {
        Request {
            call_id: "0".into(),
            route: "burn".into(),
            params: params.into(),
            client_id: "0".into(),
        }
    }

    fn refused(params: &str) -> String {
        match request(params).params::<Params>() {
            Err(Failure::UserError(message)) => message,
            other => panic!("{params}: {other:?}"),
        }
    }

    #[test]
    fn good_params_are_read() {
        let params: Params = request(r#"{"credits": 5e-2}"#).params().expect("they are good");
        assert_eq!(params.credits, Some(Credits::from_micro(50_000)));
        assert_eq!(params.list, None);
    }

    #[test]
    fn bad_params_are_refused_by_name() {
        for (params, message) in [
            (r#"{"credits": -1}"#, "params.credits: it must be more than 0"),
            (r#"{"credits": "1"}"#, "params.credits: it must be a number of credits, as in 0.5"),
            (
                r#"{"credit": 1}"#,
                "params.credit: unknown field `credit`, expected `credits` or `list`",
            ),
            (r#"{"list": [1, true]}"#, "params.list[1]: invalid type: boolean `true`, expected u8"),
            ("[]", "params: invalid length 0, expected struct Params with 2 elements"),
        ] {
            assert_eq!(refused(params), message);
        }
    }

    #[test]
    fn an_unknown_route_is_told_the_known_ones() {
        let Failure::UserError(message) = request("{}").unknown_route(&["roll", "rest"]) else {
            panic!("the client can mend it");
        };
        assert_eq!(message, "There is no route `burn` in this service; it has: roll, rest");
    }
}
