//! `/iap/services` and `/iap/1/all-in-app-services`: the accounts of a database, and what there is.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use stokehold_app::types::{AccountKey, Mode, OwnAccount, Service};

use super::Page;
use super::fault::Fault;
use super::given::Given;
use super::link::{Link, is_hashed, key};
use crate::router::Host;

/// The most accounts of one request: a database has one for each service and company.
const ACCOUNTS_MAX: usize = 200;

/// Accounts, and the services of this host.
#[derive(Template)]
#[template(path = "list.html")]
struct List {
    accounts: Vec<Row>,
    /// How many tokens there were.
    asked: usize,
    /// The services that may be used, where they are wanted as well.
    catalogue: Option<Vec<Service>>,
    is_sandbox: bool,
}

/// An account with its service.
struct Row {
    link: Link,
    service: Service,
    account: OwnAccount,
}

/// Odoo up to 16: `dbuuid`, or the tokens themselves.
pub(super) async fn own(
    State(host): State<Host>,
    given: Given,
) -> Result<impl IntoResponse, Fault> {
    let hashed = is_hashed(&given);
    let keys: Vec<_> = given.all("tokens").map(|text| key(text, hashed)).collect();
    list(&host, keys, false).await
}

/// Odoo after 19: the tokens' SHA-1, joined by commas.
pub(super) async fn catalogue(
    State(host): State<Host>,
    given: Given,
) -> Result<impl IntoResponse, Fault> {
    let hashed = is_hashed(&given);
    let tokens = given.all("account_tokens").flat_map(|tokens| tokens.split(','));
    let tokens = tokens.filter(|text| !text.is_empty());
    let keys: Vec<_> = tokens.map(|text| key(text, hashed)).collect();
    list(&host, keys, true).await
}

async fn list(
    host: &Host,
    keys: Vec<Result<(AccountKey, bool), Fault>>,
    with_catalogue: bool,
) -> Result<Page<List>, Fault> {
    if keys.len() > ACCOUNTS_MAX {
        let what = format!("this link names more than {ACCOUNTS_MAX} accounts");
        let mend = "Open the accounts one by one.";
        return Err(Fault::new(StatusCode::BAD_REQUEST, what, mend));
    }
    let asked = keys.len();
    let mut keys = keys.into_iter().map(|key| Ok(key?.0)).collect::<Result<Vec<_>, Fault>>()?;
    keys.sort_unstable();
    keys.dedup();
    let mut accounts = Vec::new();
    for key in keys {
        let own = host.app.own_accounts(key).await?;
        accounts.extend(own.into_iter().map(|(service, account)| Row {
            link: Link::new(&service.name, key),
            service,
            account,
        }));
    }
    accounts.sort_by(|one, other| one.service.label.cmp(&other.service.label));
    let catalogue = with_catalogue.then(|| host.app.catalogue());
    let is_sandbox = host.app.mode() == Mode::Sandbox;
    Ok(Page(List { accounts, asked, catalogue, is_sandbox }))
}
