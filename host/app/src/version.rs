//! Versions: upload, validation, activation.

use std::sync::Arc;

use stokehold_runtime::{LoadError, Program, Report};
use stokehold_store::{NewPack, NewVersion, Service, Suspension, Version};

use crate::app::App;
use crate::caller::Caller;
use crate::catalogue::{Active, Live};
use crate::check::{Checked, Faults, check};
use crate::error::Error;
use crate::manifest::Manifest;
use crate::secret::Secret;

/// What a provider uploads.
#[derive(Clone, Debug)]
pub struct Upload {
    /// `service.toml`.
    pub manifest: String,
    /// The component.
    pub component: Vec<u8>,
    /// The files that the manifest names, by name.
    pub files: Vec<(String, String)>,
}

/// A version that was uploaded.
#[derive(Clone, Debug)]
pub struct Published {
    /// The version.
    pub version: Version,
    /// Whether calls run on it from now on.
    pub active: bool,
    /// What the component's checks found.
    pub report: Report,
    /// What the service asks for and does not get on this host.
    pub notes: Faults,
}

impl App {
    /// The program that calls of a version run on.
    pub(crate) async fn program(&self, active: &Active) -> Result<Program, Error> {
        let version = &active.version;
        let component = async { Ok(self.store.version(version.id).await?.1) };
        let program = self.library.program(&version.digest, component).await;
        program.map_err(|error| match error {
            LoadError::Component(error) => error,
            error => Error::Host(error.to_string()),
        })
    }

    /// Uploads a version. One that is the newest already is answered as it is.
    pub async fn upload(
        &self,
        caller: Caller,
        name: &str,
        upload: Upload,
        activate: bool,
    ) -> Result<Published, Error> {
        self.create_version(self.managed(caller, name)?, upload, activate).await
    }

    /// Who has a service key.
    pub fn key_holder(&self, key: &Secret) -> Option<Caller> {
        self.catalogue.by_key(&key.hash()).map(|live| Caller::Service(live.service.id))
    }

    /// The versions of a service, the newest first.
    pub async fn versions(&self, caller: Caller, name: &str) -> Result<Vec<Version>, Error> {
        Ok(self.store.versions(self.managed(caller, name)?.service.id).await?)
    }

    /// One version of a service.
    pub async fn version(&self, caller: Caller, name: &str, number: u32) -> Result<Version, Error> {
        let versions = self.versions(caller, name).await?;
        let version = versions.into_iter().find(|version| version.number == number);
        version.ok_or(Error::NotFound("version"))
    }

    /// The number of the version that calls of a service run on; `None` before the first.
    pub fn active_version(&self, name: &str) -> Option<u32> {
        self.catalogue.active_number(name)
    }

    /// Puts a version into service. Calls that run finish on the version they began with.
    pub async fn activate(
        &self,
        caller: Caller,
        name: &str,
        number: u32,
    ) -> Result<Version, Error> {
        let live = self.managed(caller, name)?;
        let manifest = self.version(caller, name, number).await?.manifest;
        let manifest = Manifest::parse(Manifest::FILE_NAME, &manifest)
            .map_err(|error| Error::Host(error.to_string()))?;
        self.check_secrets(&live.service, &manifest).await?;
        let version = self.store.activate_version(live.service.id, number).await?;
        self.forgive(&live, &version).await?;
        self.catalogue.refresh(&self.store, name).await?;
        tracing::info!(service = name, version = number, "version activated");
        Ok(version)
    }

    /// Why a version takes no calls, if it is suspended.
    pub fn suspension(&self, version: &Version) -> Option<Suspension> {
        self.breakers.suspension(version.id)
    }

    /// Begins anew with a version that is put into service, and with the one before it.
    async fn forgive(&self, before: &Live, version: &Version) -> Result<(), Error> {
        let before = before.active.as_ref().map(|active| active.version.id);
        for id in before.into_iter().chain([version.id]) {
            if self.breakers.reset(id) {
                self.store.resume_version(id).await?;
            }
        }
        Ok(())
    }

    async fn create_version(
        &self,
        live: Arc<Live>,
        upload: Upload,
        activate: bool,
    ) -> Result<Published, Error> {
        let service = &live.service;
        let checked = check(&self.config, &self.library, &upload, Some(&service.name)).await?;
        let Checked { manifest, report, notes, credit_template } =
            checked.map_err(Error::BadUpload)?;
        if activate {
            self.check_secrets(service, &manifest).await?;
        }
        let new = NewVersion {
            digest: report.digest.clone(),
            component: upload.component,
            manifest: upload.manifest,
            credit_template,
        };
        let version = self.store.create_version(service.id, new, activate).await?;
        if activate {
            self.forgive(&live, &version).await?;
        }
        self.offer_packs(&live, &manifest).await?;
        self.catalogue.refresh(&self.store, &service.name).await?;
        tracing::info!(
            service = service.name,
            version = version.number,
            activate,
            "version uploaded"
        );
        Ok(Published { version, active: activate, report, notes })
    }

    /// Refuses a version that would lack secrets: each of its calls would be refused.
    async fn check_secrets(&self, service: &Service, manifest: &Manifest) -> Result<(), Error> {
        if manifest.secrets.is_empty() {
            return Ok(());
        }
        // Another host may have set them a moment ago.
        self.vault.refresh(&self.store).await?;
        let missing = self.missing_secrets(service.id, manifest);
        if missing.is_empty() {
            return Ok(());
        }
        let fault = |name: String| {
            let mend = format!("set it first: stokehold secret set {} {name}", service.name);
            (format!("the secret {name} has no value"), mend)
        };
        Err(Error::BadUpload(missing.into_iter().map(fault).collect()))
    }

    /// Adds the manifest's packs, except where the service has one of that name: what is for sale
    /// is then changed through the packs themselves.
    async fn offer_packs(&self, live: &Live, manifest: &Manifest) -> Result<(), Error> {
        let known = self.store.packs(live.service.id).await?;
        for row in &manifest.packs {
            if known.iter().all(|pack| pack.name != row.name) {
                let row = row.clone();
                let new = NewPack {
                    name: row.name,
                    description: row.description,
                    credits: row.credits,
                    price: row.price,
                };
                self.store.create_pack(live.service.id, new).await?;
            }
        }
        Ok(())
    }
}

/// What is left of a provider's HTML when nothing in it can run or reach out.
pub fn sanitise(html: &str) -> String {
    ammonia::clean(html)
}
