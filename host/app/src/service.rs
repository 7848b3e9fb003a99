//! Services.

use std::sync::Arc;

use stokehold_ledger::{BasisPoints, Credits};
use stokehold_store::{Mode, NewService, Service, ServiceChange, ServiceStatus};

use crate::app::App;
use crate::caller::Caller;
use crate::catalogue::Live;
use crate::error::Error;
use crate::manifest::{SERVICE_NAME, is_service_name};
use crate::secret::Secret;

/// What a provider says of a new service.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of a service")]
pub struct ServiceRequest {
    pub name: String,
    pub label: String,
    pub unit: Option<String>,
    pub description: Option<String>,
    pub privacy_policy: Option<String>,
    pub trial_credits: Credits,
}

impl App {
    /// Registers a service. Its key is in the answer and nowhere else: only a hash is stored. In
    /// production the service waits for the operator's approval.
    pub async fn create_service(
        &self,
        caller: Caller,
        request: ServiceRequest,
    ) -> Result<(Service, Secret), Error> {
        let owner = match caller {
            Caller::Operator => None,
            Caller::Provider(id) => Some(id),
            Caller::Service(_) | Caller::Client(_) => {
                return Err(Error::Forbidden("this takes a provider's token"));
            }
        };
        check(&request)?;
        let key = Secret::service_key().map_err(|error| Error::Host(error.to_string()))?;
        let commission = BasisPoints::new(self.config.broker.commission_bp);
        let status = match self.mode() {
            Mode::Sandbox => ServiceStatus::Active,
            Mode::Production => ServiceStatus::Pending,
        };
        let new = NewService {
            name: request.name,
            label: request.label,
            unit: request.unit.unwrap_or_else(|| "Credits".into()),
            description: request.description.unwrap_or_default(),
            privacy_policy: request.privacy_policy.unwrap_or_default(),
            trial_credits: request.trial_credits,
            commission: commission.unwrap_or(BasisPoints::WHOLE),
            status,
            key_hash: key.hash(),
            owner,
        };
        let service = self.store.create_service(new).await?;
        self.catalogue.refresh(&self.store, &service.name).await?;
        tracing::info!(service = service.name, status = service.status.as_str(), "service created");
        Ok((service, key))
    }

    /// The services that the caller manages, by name.
    pub async fn services(&self, caller: Caller) -> Result<Vec<Service>, Error> {
        caller.check_provider()?;
        let mut services = self.store.services().await?;
        services.retain(|service| caller.manages(service));
        Ok(services)
    }

    /// A service that the caller manages.
    pub fn show_service(&self, caller: Caller, name: &str) -> Result<Service, Error> {
        Ok(self.managed(caller, name)?.service.clone())
    }

    /// Changes what a service says of itself. The operator's share is the operator's to change.
    pub async fn change_service(
        &self,
        caller: Caller,
        name: &str,
        change: ServiceChange,
    ) -> Result<Service, Error> {
        let live = self.managed(caller, name)?;
        if change.commission.is_some() {
            caller.check_operator()?;
        }
        let known = &live.service;
        check(&ServiceRequest {
            name: known.name.clone(),
            label: change.label.clone().unwrap_or_else(|| known.label.clone()),
            unit: change.unit.clone(),
            description: change.description.clone(),
            privacy_policy: change.privacy_policy.clone(),
            trial_credits: known.trial_credits,
        })?;
        self.store.change_service(known.id, change).await?;
        let live = self.catalogue.refresh(&self.store, name).await?;
        Ok(live.service.clone())
    }

    /// Lets a service be used, or stops it.
    pub async fn set_service_status(
        &self,
        caller: Caller,
        name: &str,
        status: ServiceStatus,
    ) -> Result<Service, Error> {
        caller.check_operator()?;
        let live = self.catalogue.by_name(name).ok_or(Error::NotFound("service"))?;
        self.store.set_service_status(live.service.id, status).await?;
        let live = self.catalogue.refresh(&self.store, name).await?;
        tracing::info!(service = name, status = status.as_str(), "service status changed");
        Ok(live.service.clone())
    }

    /// Gives a service a new key. The old one stops working at once.
    pub async fn reset_service_key(&self, caller: Caller, name: &str) -> Result<Secret, Error> {
        let live = self.managed(caller, name)?;
        let key = Secret::service_key().map_err(|error| Error::Host(error.to_string()))?;
        self.store.set_service_key(live.service.id, key.hash()).await?;
        self.catalogue.refresh(&self.store, name).await?;
        tracing::info!(service = name, "service key replaced");
        Ok(key)
    }

    /// A service that the caller manages; to everybody else it is not there.
    pub(crate) fn managed(&self, caller: Caller, name: &str) -> Result<Arc<Live>, Error> {
        caller.check_provider()?;
        let live = self.catalogue.by_name(name);
        live.filter(|live| caller.manages(&live.service)).ok_or(Error::NotFound("service"))
    }
}

fn check(request: &ServiceRequest) -> Result<(), Error> {
    let mut faults = Vec::new();
    if !is_service_name(&request.name) {
        faults.push(format!("name has to be {SERVICE_NAME}"));
    }
    if request.label.trim().is_empty() || request.label.len() > 100 {
        faults.push("label has to have 1 to 100 characters".into());
    }
    let policy = request.privacy_policy.as_deref().unwrap_or_default();
    if !policy.is_empty() && !policy.starts_with("https://") && !policy.starts_with("http://") {
        faults.push("privacy_policy has to be a link that starts with https://".into());
    }
    for (name, text, max) in
        [("unit", &request.unit, 50), ("description", &request.description, 2_000)]
    {
        if text.as_ref().is_some_and(|text| text.len() > max) {
            faults.push(format!("{name} can have {max} characters at the most"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
