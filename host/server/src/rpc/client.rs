//! What clients' databases ask of their own accounts. The token is all that they show.

use serde_json::{Map, Value, json};
use stokehold_app::types::{
    AccountName, AccountToken, Address, Credits, OwnAccount, Service, WarningSettings,
};
use stokehold_app::{Error, Overview};
use stokehold_wire::{Class, Fault, Params};

use crate::amount::number;
use crate::router::Host;

/// The most accounts of one request: a database has one for each service and company.
const ACCOUNTS_MAX: usize = 200;

/// Odoo 18 and newer: an object keyed by each token exactly as it was sent.
pub(super) async fn accounts_information(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let wanted = given.list("iap_accounts", |item| {
        let item = Params::object(item)?;
        Ok((item.required_string("token")?, item.required_string("service")?))
    })?;
    let wanted = bounded(wanted)?;
    let mut answer = Map::new();
    for (text, service) in wanted {
        let Ok(token) = text.parse::<AccountToken>() else { continue };
        let information = match host.app.overview(&service, token.key()).await {
            Ok(overview) => information(host, &token, overview),
            Err(Error::NotFound(_)) => unknown_service(),
            Err(error) => return Err(failed(error)),
        };
        answer.insert(text, information);
    }
    Ok(Value::from(answer).to_string())
}

fn information(host: &Host, token: &AccountToken, overview: Overview) -> Value {
    let Overview { service, packs, account } = overview;
    let registered = if account.is_some() { "registered" } else { "unregistered" };
    let (balance, warn_at) = account
        .as_ref()
        .map_or((Credits::ZERO, Credits::ZERO), |account| (account.available, account.warn_at));
    let (refill_at, refill_pack) =
        account.map_or((Credits::ZERO, 0), |account| (account.refill_at, account.refill_pack));
    let packs: Vec<_> = packs
        .into_iter()
        .map(|pack| {
            let price = euro(pack.price.0);
            json!({ "id": pack.id.0, "name": pack.name, "credit": number(pack.credits), "price": price })
        })
        .collect();
    let link = format!(
        "{}/iap/1/credit?service_name={}&account_token={}&hashed=1",
        host.base_url,
        service.name,
        token.key()
    );
    json!({
        "balance": number(balance),
        "registered": registered,
        "warning_threshold": number(warn_at),
        "auto_refill_threshold": number(refill_at),
        "auto_refill_pack_id": refill_pack,
        "link_to_service_page": link,
        "service": {
            "description": service.description,
            "price_description": format!("Prepaid, in {}", service.unit),
            "packs": packs,
        },
    })
}

fn unknown_service() -> Value {
    json!({
        "balance": 0, "registered": "unregistered", "warning_threshold": 0,
        "auto_refill_threshold": 0, "auto_refill_pack_id": 0, "link_to_service_page": "",
        "service": { "description": "", "price_description": "", "packs": [] },
    })
}

/// Odoo 17: a list of objects with exactly these keys, of the requested tokens only.
pub(super) async fn services_token(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let tokens = given.list("iap_accounts", |item| {
        let text: Result<String, _> = serde_json::from_str(item.get());
        text.map_err(|_| Fault::type_error("iap_accounts has to be a list of tokens"))
    })?;
    let mut answer = Vec::new();
    for text in bounded(tokens)? {
        let Ok(token) = text.parse::<AccountToken>() else { continue };
        let accounts = host.app.own_accounts(token.key()).await.map_err(failed)?;
        answer
            .extend(accounts.into_iter().map(|(service, own)| row(&text, &token, &service, &own)));
    }
    Ok(Value::from(answer).to_string())
}

fn row(text: &str, token: &AccountToken, service: &Service, account: &OwnAccount) -> Value {
    json!({
        "account_token": text,
        "balance": number(account.available),
        "account_uuid_hashed": token.key().to_string(),
        "service_name": service.name,
        "description": service.description,
        "warn_me": !account.warn_at.is_zero(),
        "warning_threshold": number(account.warn_at),
        "warning_email": account.addresses.first().map_or("", |address| &address.email),
        "unit_name": service.unit,
    })
}

/// Odoo 17: what is `null` stays as it is; `warn_me` false turns warnings off.
pub(super) async fn update_warning(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let account = AccountName::from(&given.account_token()?);
    let warn = given.boolean("warn_me")?;
    let threshold = given.credits("warning_threshold")?;
    let addresses = match given.get("warning_email") {
        // An emptied field of an Odoo form is sent as `false`.
        Some("false") => Some(Vec::new()),
        _ => given.string("warning_email")?.map(|text| {
            let emails = text.split([',', ';', ' ']).filter(|email| !email.is_empty());
            emails.map(|email| Address { email: email.to_owned(), lang: String::new() }).collect()
        }),
    };
    let threshold = if warn == Some(false) { Some(Credits::ZERO) } else { threshold };
    let change = WarningSettings { threshold, addresses };
    host.app.set_warning(&account, change).await.map_err(failed)?;
    Ok("true".into())
}

/// Odoo 18 and 19.
pub(super) async fn update_alerts(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let account = AccountName::from(&given.account_token()?);
    let addresses = given.list("warning_emails", |item| {
        let item = Params::object(item)?;
        let lang = match item.get("lang_code") {
            Some("false") => None,
            _ => item.string("lang_code")?,
        };
        Ok(Address { email: item.required_string("email")?, lang: lang.unwrap_or_default() })
    })?;
    let change = WarningSettings { threshold: given.credits("warning_threshold")?, addresses };
    host.app.set_warning(&account, change).await.map_err(failed)?;
    Ok("true".into())
}

/// Odoo 19.1: the client reads `status`, and `error` where there is one. It is never `null`.
pub(super) async fn update_refill(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let account = AccountName::from(&given.account_token()?);
    let threshold = given.credits("auto_refill_threshold")?.unwrap_or_default();
    let pack = match given.get("auto_refill_pack_id") {
        None | Some("false") => 0,
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Fault::type_error("auto_refill_pack_id has to be the number of a pack"))?,
    };
    let set = host.app.set_refill(&account, threshold, pack).await;
    let answer = match set.map_err(failed) {
        Ok(()) => json!({ "status": "success" }),
        Err(fault) if fault.class == Class::ServerError => return Err(fault),
        Err(fault) => json!({ "status": "error", "error": fault.message }),
    };
    Ok(answer.to_string())
}

fn bounded<T>(items: Option<Vec<T>>) -> Result<Vec<T>, Fault> {
    let items = items.ok_or_else(|| Fault::type_error("iap_accounts is missing"))?;
    if items.len() > ACCOUNTS_MAX {
        return Err(Fault::type_error(format!(
            "iap_accounts can have {ACCOUNTS_MAX} entries at the most"
        )));
    }
    Ok(items)
}

/// Cents as euro, for a client that computes nothing from it.
fn euro(cents: i64) -> Value {
    let text = format!("{}.{:02}", cents / 100, cents % 100);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn failed(error: Error) -> Fault {
    match error {
        Error::NotFound("account") => Fault::new(
            Class::UserError,
            "This account is not known here yet: it is made with its first credits.",
        ),
        Error::Store(_) | Error::Host(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
            Fault::new(Class::ServerError, "the host failed; try again later")
        }
        error => Fault::new(Class::UserError, error.to_string()),
    }
}
