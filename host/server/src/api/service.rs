//! `/services`: register, show, approve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stokehold_app::ServiceRequest;
use stokehold_app::types::{BasisPoints, Service, ServiceChange, ServiceStatus};
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::auth::Bearer;
use crate::body::Body;
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// A new service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewService {
    /// The unique technical name: 2 to 63 of a-z, 0-9, _ and -, a letter first.
    name: String,
    /// The unique name for people.
    label: String,
    /// What one credit is called; `Credits` where it is left out.
    unit: Option<String>,
    /// What it does.
    description: Option<String>,
    /// A link.
    privacy_policy: Option<String>,
    /// What an eligible database gets on its first use.
    #[serde(default)]
    #[schema(value_type = f64)]
    trial_credits: Amount,
}

/// A service.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceBody {
    name: String,
    label: String,
    unit: String,
    description: String,
    privacy_policy: String,
    #[schema(value_type = f64)]
    trial_credits: Amount,
    /// The operator's share of each sale, in hundredths of a per cent.
    commission_bp: u16,
    /// `pending`, `active` or `suspended`.
    status: &'static str,
    /// The version that calls run on.
    active_version: Option<u32>,
    created_at: String,
    /// The service key. Only in the answer that makes the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// Services, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Services {
    services: Vec<ServiceBody>,
}

/// A service key. It is shown here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyBody {
    key: String,
}

fn body(host: &Host, service: Service, key: Option<String>) -> ServiceBody {
    ServiceBody {
        active_version: host.app.active_version(&service.name),
        name: service.name,
        label: service.label,
        unit: service.unit,
        description: service.description,
        privacy_policy: service.privacy_policy,
        trial_credits: Amount(service.trial_credits),
        commission_bp: service.commission.points(),
        status: service.status.as_str(),
        created_at: when::text(service.created_at),
        key,
    }
}

/// Register a service.
#[utoipa::path(post, path = "/api/v1/services", tag = "services", request_body = NewService,
    security(("token" = ["provider"])),
    responses((status = 201, body = ServiceBody), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Body(new): Body<NewService>,
) -> Result<(StatusCode, Json<ServiceBody>), Problem> {
    let request = ServiceRequest {
        name: new.name,
        label: new.label,
        unit: new.unit,
        description: new.description,
        privacy_policy: new.privacy_policy,
        trial_credits: new.trial_credits.0,
    };
    let (service, key) = host.app.create_service(caller, request).await?;
    Ok((StatusCode::CREATED, Json(body(&host, service, Some(key.reveal().to_owned())))))
}

/// List the services that the caller manages.
#[utoipa::path(get, path = "/api/v1/services", tag = "services", security(("token" = ["provider"])),
    responses((status = 200, body = Services), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    Bearer(caller): Bearer,
) -> Result<Json<Services>, Problem> {
    let services = host.app.services(caller).await?;
    let services = services.into_iter().map(|service| body(&host, service, None)).collect();
    Ok(Json(Services { services }))
}

/// Show a service.
#[utoipa::path(get, path = "/api/v1/services/{name}", tag = "services", security(("token" = ["provider"])),
    params(("name" = String, Path)),
    responses((status = 200, body = ServiceBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
) -> Result<Json<ServiceBody>, Problem> {
    let service = host.app.show_service(caller, &name)?;
    Ok(Json(body(&host, service, None)))
}

/// What is to be changed about a service. What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceChanges {
    label: Option<String>,
    unit: Option<String>,
    description: Option<String>,
    privacy_policy: Option<String>,
    #[schema(value_type = Option<f64>)]
    trial_credits: Option<Amount>,
    /// The operator's share of each sale, in hundredths of a per cent; the operator's to change.
    commission_bp: Option<u16>,
}

/// Change what a service says of itself.
#[utoipa::path(patch, path = "/api/v1/services/{name}", tag = "services", security(("token" = ["provider"])),
    params(("name" = String, Path)), request_body = ServiceChanges,
    responses((status = 200, body = ServiceBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
    Body(changes): Body<ServiceChanges>,
) -> Result<Json<ServiceBody>, Problem> {
    let commission = changes.commission_bp.map(|points| {
        let what = "commission_bp has to be from 0 to 10000";
        BasisPoints::new(points).ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what))
    });
    let change = ServiceChange {
        label: changes.label,
        unit: changes.unit,
        description: changes.description,
        privacy_policy: changes.privacy_policy,
        trial_credits: changes.trial_credits.map(|credits| credits.0),
        commission: commission.transpose()?,
    };
    let service = host.app.change_service(caller, &name, change).await?;
    Ok(Json(body(&host, service, None)))
}

/// Let a service be used.
#[utoipa::path(post, path = "/api/v1/services/{name}/approve", tag = "services", security(("token" = ["operator"])),
    params(("name" = String, Path)),
    responses((status = 200, body = ServiceBody), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn approve(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
) -> Result<Json<ServiceBody>, Problem> {
    let service = host.app.set_service_status(caller, &name, ServiceStatus::Active).await?;
    Ok(Json(body(&host, service, None)))
}

/// Stop a service. What it holds can still be captured or cancelled.
#[utoipa::path(post, path = "/api/v1/services/{name}/suspend", tag = "services", security(("token" = ["operator"])),
    params(("name" = String, Path)),
    responses((status = 200, body = ServiceBody), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn suspend(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
) -> Result<Json<ServiceBody>, Problem> {
    let service = host.app.set_service_status(caller, &name, ServiceStatus::Suspended).await?;
    Ok(Json(body(&host, service, None)))
}

/// Replace the service key. The old one stops working at once.
#[utoipa::path(post, path = "/api/v1/services/{name}/key", tag = "services", security(("token" = ["provider"])),
    params(("name" = String, Path)),
    responses((status = 200, body = KeyBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn reset_key(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
) -> Result<Json<KeyBody>, Problem> {
    let key = host.app.reset_service_key(caller, &name).await?;
    Ok(Json(KeyBody { key: key.reveal().to_owned() }))
}
