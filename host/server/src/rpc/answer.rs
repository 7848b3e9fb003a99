//! What the broker answers.

use serde_json::json;
use stokehold_app::types::{Credits, Refusal};
use stokehold_app::{Authorization, BrokerError, Secret};
use stokehold_wire::{Class, Fault, Message, Params};

use super::params;
use crate::amount::number;
use crate::router::Host;

pub(super) async fn authorize(
    host: &Host,
    message: &Message<'_>,
    idempotency_key: Option<&str>,
) -> Result<String, Fault> {
    let given = &message.params;
    let by_param = given.string("idempotency_key")?;
    let request = Authorization {
        credits: params::credit(given)?,
        account_token: given.account_token()?,
        ttl: params::ttl(given)?,
        description: params::description(given)?,
        dbuuid: params::dbuuid(given)?,
        idempotency_key: idempotency_key.map(str::to_owned).or(by_param),
        request: message.repeatable().map(str::to_owned),
        key: key(given)?,
    };
    let transaction = host.app.authorize(request).await.map_err(|error| refused(host, error))?;
    Ok(json!(transaction).to_string())
}

pub(super) async fn capture(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let amount = params::credit_to_capture(given)?;
    let (key, transaction) = (key(given)?, given.required_string("token")?);
    let captured = host.app.capture(&key, &transaction, amount).await;
    captured.map_err(|error| refused(host, error))?;
    Ok("true".into())
}

pub(super) async fn cancel(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let (key, transaction) = (key(given)?, given.required_string("token")?);
    let cancelled = host.app.cancel(&key, &transaction).await;
    cancelled.map_err(|error| refused(host, error))?;
    Ok("true".into())
}

pub(super) async fn balance(host: &Host, given: &Params<'_>) -> Result<String, Fault> {
    let service = given.required_string("service_name")?;
    let balance = host.app.balance(&service, &given.account_token()?).await;
    balance.map(|credits| credits.to_string()).map_err(|error| refused(host, error))
}

/// The service key. One that is missing is as wrong as any other.
fn key(given: &Params<'_>) -> Result<Secret, Fault> {
    Ok(Secret::from(given.string("key")?.unwrap_or_default()))
}

/// The one table from the broker's refusals to the classes of its protocol.
fn refused(host: &Host, error: BrokerError) -> Fault {
    let text = error.to_string();
    match error {
        BrokerError::Insufficient { needed, service } => {
            insufficient(host, needed, &service.unwrap_or_default(), "")
        }
        // An unknown transaction and another service's get the same answer.
        BrokerError::BadKey | BrokerError::Refused(Refusal::UnknownHold) => {
            Fault::new(Class::AccessError, text)
        }
        BrokerError::NotActive(_) => Fault::new(Class::AccessError, text),
        BrokerError::Refused(_)
        | BrokerError::BadIdempotencyKey(_)
        | BrokerError::IdempotencyConflict => Fault::new(Class::UserError, text),
        BrokerError::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
            Fault::new(Class::ServerError, "the host failed; try again later")
        }
    }
}

/// Not enough credits. The message is itself a JSON object, which clients parse: where to buy
/// credits, and what to show.
pub(crate) fn insufficient(host: &Host, needed: Credits, service: &str, body: &str) -> Fault {
    let mut message = json!({
        "credit": number(needed),
        "service_name": service,
        "base_url": format!("{}/iap/1/credit", host.base_url),
        "title": "Insufficient Balance",
        "message": "There are not enough credits on your account to use this service.",
        "trial": false,
    });
    if !body.is_empty() {
        message["body"] = body.into();
    }
    Fault::new(Class::InsufficientCredit, message.to_string())
}
