//! Links to an account's pages.

use axum::http::StatusCode;
use stokehold_app::types::{AccountKey, AccountName, AccountToken};

use super::fault::Fault;
use super::given::Given;

/// An account of a service, as the pages name it. Tokens go no further than this.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// The service's name: letters, digits, `_` and `-`.
    pub(super) service: String,
    /// What the account is known by.
    pub(super) key: AccountKey,
    /// Whether the link came with a token that nothing may be charged under.
    pub(super) is_disabled: bool,
}

impl Link {
    /// Reads the account that a page or a form is about.
    pub(super) fn parse(given: &Given) -> Result<Self, Fault> {
        let service = given.get("service_name");
        let service = service.ok_or_else(|| Fault::bad_link("this link names no service"))?;
        if !service.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            let mend = "Check its name, and open the page once more from its link.";
            return Err(Fault::new(StatusCode::NOT_FOUND, "no such service", mend));
        }
        let text = given.get("account_token");
        let text = text.ok_or_else(|| Fault::bad_link("this link names no account"))?;
        let (key, is_disabled) = key(text, is_hashed(given))?;
        if AccountName::from(key).is_placeholder() {
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "this database is a copy that has lost its account token",
                "Open the page from the database that it was copied from.",
            ));
        }
        Ok(Self { service: service.to_owned(), key, is_disabled })
    }

    /// The link of another account.
    pub(super) fn new(service: &str, key: AccountKey) -> Self {
        Self { service: service.to_owned(), key, is_disabled: false }
    }

    /// The address of the account's page.
    pub(super) fn account(&self) -> String {
        self.at("my_account")
    }

    /// The address of the page where packs are bought.
    pub(super) fn purchase(&self) -> String {
        self.at("credit")
    }

    /// Enough of the account's key to tell it from others, too little to reach it.
    pub(super) fn short(&self) -> String {
        self.key.to_string().chars().take(8).collect()
    }

    /// Nothing in it has to be escaped.
    fn at(&self, page: &str) -> String {
        let Self { service, key, .. } = self;
        format!("/iap/1/{page}?service_name={service}&account_token={key}&hashed=1")
    }
}

/// Whether the accounts are named by the SHA-1 of their tokens.
pub(super) fn is_hashed(given: &Given) -> bool {
    given.get("hashed").is_some_and(|hashed| matches!(hashed, "1" | "true" | "True"))
}

/// Reads what names an account: its key, and whether the token is disabled.
pub(super) fn key(text: &str, hashed: bool) -> Result<(AccountKey, bool), Fault> {
    let wrong = |error| Fault::bad_link(format!("this link names no account: {error}"));
    if hashed {
        return text.parse().map(|key| (key, false)).map_err(wrong);
    }
    let token: AccountToken = text.parse().map_err(wrong)?;
    Ok((token.key(), !token.is_chargeable()))
}
