//! Versions: upload, validation, activation.

use std::sync::Arc;

use stokehold_runtime::{Faults, Library, LoadError, Program, Report, Runtime, StartError};
use stokehold_store::{NewPack, NewVersion, Service, Suspension, Version};

use crate::app::App;
use crate::caller::Caller;
use crate::catalogue::{Active, Live};
use crate::config::Config;
use crate::error::Error;
use crate::machine::{library_settings, runtime_settings};
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
}

impl App {
    /// Checks a component as an upload does, without a host.
    pub async fn check_component(
        config: &Config,
        component: Vec<u8>,
    ) -> Result<Result<Report, Faults>, Error> {
        let failed = |error: StartError| Error::Host(error.to_string());
        let runtime = Runtime::new(&runtime_settings(config)).map_err(failed)?;
        let library = Library::open(runtime, library_settings(config, None)).map_err(failed)?;
        Ok(admit(&library, component).await?.map(|program| program.report().clone()))
    }

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

    /// Uploads a version on the provider's behalf.
    pub async fn upload(
        &self,
        caller: Caller,
        name: &str,
        upload: Upload,
        activate: bool,
    ) -> Result<Published, Error> {
        self.create_version(self.managed(caller, name)?, upload, activate).await
    }

    /// Uploads a version with the service key as the credential.
    pub async fn upload_with_key(
        &self,
        key: &Secret,
        name: &str,
        upload: Upload,
        activate: bool,
    ) -> Result<Published, Error> {
        let live = self.catalogue.by_key(&key.hash());
        let live = live.filter(|live| live.service.name == name);
        let live = live.ok_or(Error::NotFound("service with this key"))?;
        self.create_version(live, upload, activate).await
    }

    /// The versions of a service, the newest first.
    pub async fn versions(&self, caller: Caller, name: &str) -> Result<Vec<Version>, Error> {
        Ok(self.store.versions(self.managed(caller, name)?.service.id).await?)
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
        let versions = self.store.versions(live.service.id).await?;
        let version = versions.into_iter().find(|version| version.number == number);
        let manifest = version.ok_or(Error::NotFound("version"))?.manifest;
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
        let (manifest, template) = check(&service.name, &upload)?;
        if activate {
            self.check_secrets(service, &manifest).await?;
        }
        let program = admit(&self.library, upload.component.clone()).await?;
        let program = program.map_err(|faults| {
            Error::BadUpload(faults.0.into_iter().map(|fault| (fault.what, fault.mend)).collect())
        })?;
        let report = program.report().clone();
        let new = NewVersion {
            digest: report.digest.clone(),
            component: upload.component,
            manifest: upload.manifest,
            credit_template: template,
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
        Ok(Published { version, active: activate, report })
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

/// Compiles an upload's component now, so that its first call need not.
async fn admit(library: &Library, component: Vec<u8>) -> Result<Result<Program, Faults>, Error> {
    match library.admit(component).await {
        Ok(program) => Ok(Ok(program)),
        Err(LoadError::Refused(faults)) => Ok(Err(faults)),
        Err(error) => Err(Error::Host(error.to_string())),
    }
}

/// Checks all of an upload but the component. Answers the manifest and the sanitised template.
fn check(service: &str, upload: &Upload) -> Result<(Manifest, String), Error> {
    let manifest = Manifest::parse(Manifest::FILE_NAME, &upload.manifest).map_err(|error| {
        let fault = |fault: crate::manifest::ManifestFault| {
            (format!("{}:{}: {}", error.file, fault.line, fault.what), fault.mend)
        };
        Error::BadUpload(error.faults.into_iter().map(fault).collect())
    })?;
    let mut faults = Vec::new();
    if manifest.name != service {
        faults.push((
            format!("the manifest is of {}, the service is {service}", manifest.name),
            format!("write name = \"{service}\" in the manifest, or upload to the other service"),
        ));
    }
    let template = manifest.credit_template.as_deref().unwrap_or_default();
    let file = upload.files.iter().find(|(name, _)| name == template);
    if !template.is_empty() && file.is_none() {
        faults.push((
            format!("the credit template {template} is not in the upload"),
            "send it as a part named \"files\" with that file name".into(),
        ));
    }
    if faults.is_empty() {
        let template = file.map(|(_, html)| sanitise(html)).unwrap_or_default();
        Ok((manifest, template))
    } else {
        Err(Error::BadUpload(faults))
    }
}

/// What is left of a provider's HTML when nothing in it can run or reach out.
pub fn sanitise(html: &str) -> String {
    ammonia::clean(html)
}
