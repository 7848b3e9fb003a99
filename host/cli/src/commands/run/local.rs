//! A host of one's own: in memory, for one service, gone with the process.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use stokehold_app::types::{AccountToken, Credits};
use stokehold_app::{
    App, Call, CallFailure, CallRequest, Caller, Config, Error, GrantRequest, Secret,
};

use super::given::Given;
use crate::bundled;
use crate::cache;
use crate::config;
use crate::failure::Failure;
use crate::project::{self, Project};

/// A host with one service, and accounts that are made for its calls.
pub(super) struct Local {
    app: Arc<App>,
    service: String,
    accounts: Cell<u32>,
}

impl Local {
    /// Publishes the project at `path` on a host in memory.
    pub(super) async fn start(
        path: &Path,
        given: &Given,
        is_profiled: bool,
    ) -> Result<Self, Failure> {
        let project = given.apply(project::load(path)?)?;
        let service = project.manifest.name.clone();
        let secrets = given.secrets(&project.manifest)?;
        // The code of a profile is not what a host compiles.
        let cache = if is_profiled { None } else { cache::place() };
        let app = App::in_memory(config(given, is_profiled), cache)
            .await
            .map_err(|error| Failure::new("the host cannot start", error))?;
        publish(&app, project, &secrets).await.map_err(|error| {
            let refused = format!("{} cannot be run", path.display());
            match error {
                Error::BadUpload(faults) => Failure::plain(refused).faults(faults),
                error => Failure::new(refused, error),
            }
        })?;
        Ok(Self { app, service, accounts: Cell::default() })
    }

    /// A new account that has these credits.
    pub(super) async fn account(&self, credits: Credits) -> Result<AccountToken, Failure> {
        self.accounts.set(self.accounts.get().saturating_add(1));
        let failed =
            |error: &dyn std::fmt::Display| Failure::new("the account cannot be made", error);
        let token: AccountToken =
            format!("local-{}", self.accounts.get()).parse().map_err(|error| failed(&error))?;
        self.grant(&token, credits).await.map_err(|error| failed(&error))?;
        Ok(token)
    }

    /// Gives an account credits.
    pub(super) async fn grant(&self, token: &AccountToken, credits: Credits) -> Result<(), Error> {
        if credits.is_zero() {
            return Ok(());
        }
        let reason = "stokehold run".into();
        let request = GrantRequest { credits, reason, idempotency_key: None };
        self.app.grant(Caller::Operator, &self.service, token, request).await.map(drop)
    }

    /// Makes one paid call.
    pub(super) async fn call(
        &self,
        account: &AccountToken,
        route: &str,
        params: &str,
    ) -> Result<Call, CallFailure> {
        let request = CallRequest {
            service: self.service.clone(),
            route: route.to_owned(),
            params: params.to_owned(),
            account_token: account.clone(),
            dbuuid: None,
            idempotency_key: None,
            quote: None,
        };
        self.app.call(request).await
    }
}

/// The operator of this host allows what service.toml asks for, and leaves everything else as it is.
fn config(given: &Given, is_profiled: bool) -> Config {
    let mut config = config::local();
    config.outbound.hosts = vec!["*".to_owned()];
    config.outbound.private_addresses = given.private_addresses();
    // Fixtures may well expect one failure after the other.
    config.calls.breaker_failures = 0;
    if is_profiled {
        config.runtime.profile = true;
        config.runtime.compiler = None;
    }
    config
}

async fn publish(
    app: &Arc<App>,
    project: Project,
    secrets: &BTreeMap<String, Secret>,
) -> Result<(), Error> {
    let name = &project.manifest.name;
    bundled::register(app, &project.manifest).await?;
    for (secret, value) in secrets {
        app.set_secret(Caller::Operator, name, secret, value).await?;
    }
    app.upload(Caller::Operator, name, project.upload, true).await.map(drop)
}
