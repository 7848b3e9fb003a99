//! Who asks a registry: with a name and a password, or with a token that it gives for them.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, RequestBuilder};

use crate::failure::Failure;

/// A user of a registry.
pub(super) struct Account {
    pub(super) user: String,
    pub(super) password: String,
}

/// Who asks, and what the registry was told of it before.
pub(super) struct Authority {
    account: Option<Account>,
    known: RefCell<Option<String>>,
}

/// A request with who asks.
pub(super) fn signed<B>(
    request: RequestBuilder<B>,
    authorization: Option<&str>,
) -> RequestBuilder<B> {
    match authorization {
        Some(authorization) => request.header("Authorization", authorization),
        None => request,
    }
}

impl Authority {
    pub(super) fn new(account: Option<Account>) -> Self {
        Self { account, known: RefCell::default() }
    }

    /// What was accepted before.
    pub(super) fn known(&self) -> Option<String> {
        self.known.borrow().clone()
    }

    /// What a registry that refuses to answer wants to be told; `None` where there is nothing to tell.
    pub(super) fn answer(
        &self,
        agent: &Agent,
        refusal: &Response<Body>,
    ) -> Result<Option<String>, Failure> {
        let challenge = refusal.headers().get("WWW-Authenticate");
        let challenge = challenge.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, rest) = challenge.split_once(' ').unwrap_or((challenge, ""));
        let authorization = if scheme.eq_ignore_ascii_case("bearer") {
            Some(format!("Bearer {}", self.token(agent, rest)?))
        } else {
            self.basic()
        };
        self.known.replace(authorization.clone());
        Ok(authorization)
    }

    fn basic(&self) -> Option<String> {
        let Account { user, password } = self.account.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// Asks for a token where the challenge says, as it says.
    fn token(&self, agent: &Agent, challenge: &str) -> Result<String, Failure> {
        let failed = |why: String| {
            Failure::new("the registry gave no token", why)
                .hint("--registry-user and --registry-password-file say who asks")
        };
        let realm = parameter(challenge, "realm")
            .ok_or_else(|| failed("it does not say where to ask for one".to_owned()))?;
        let mut request = agent.get(realm);
        for name in ["service", "scope"] {
            if let Some(value) = parameter(challenge, name) {
                request = request.query(name, value);
            }
        }
        let answer = signed(request, self.basic().as_deref()).call();
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(failed(format!("it answers {}", answer.status())));
        }
        let body: Value =
            answer.body_mut().read_json().map_err(|error| failed(error.to_string()))?;
        let token = body["token"].as_str().or(body["access_token"].as_str());
        token.map(str::to_owned).ok_or_else(|| failed("its answer holds none".to_owned()))
    }
}

/// A parameter of a challenge: `realm="https://…",service="…"`.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"')?;
        if key.trim_start_matches([',', ' ']) == name {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn the_parameters_of_a_challenge_are_found() {
        let challenge =
            r#"realm="https://a.example/token",service="a, b",scope="repository:x:pull,push""#;
        assert_eq!(parameter(challenge, "realm"), Some("https://a.example/token"));
        assert_eq!(parameter(challenge, "service"), Some("a, b"));
        assert_eq!(parameter(challenge, "scope"), Some("repository:x:pull,push"));
        assert_eq!(parameter(challenge, "cope"), None);
    }
}
