//! What an upload is checked for: one function, behind uploads and behind `stokehold check`.

use stokehold_runtime::{CacheSettings, Library, LoadError, Program, Report, Runtime, StartError};

use crate::app::App;
use crate::config::Config;
use crate::error::Error;
use crate::machine::{library_settings, mebibytes, runtime_settings};
use crate::manifest::Manifest;
use crate::version::{Upload, sanitise};

/// What is wrong, or worth knowing, each with what to do about it.
pub type Faults = Vec<(String, String)>;

/// An upload in which nothing is wrong.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The manifest.
    pub manifest: Manifest,
    /// What the component's checks found.
    pub report: Report,
    /// What the service asks for and does not get on this host.
    pub notes: Faults,
    /// What is left of the credit template: sanitised HTML, or nothing.
    pub(crate) credit_template: String,
}

impl App {
    /// Checks an upload as a host with this configuration does, without the host. Whose service it
    /// is, and whether its secrets are set, only a host knows. Machine code is kept in `cache`.
    pub async fn check(
        config: &Config,
        upload: &Upload,
        cache: Option<CacheSettings>,
    ) -> Result<Result<Checked, Faults>, Error> {
        let failed = |error: StartError| Error::Host(error.to_string());
        let runtime = Runtime::new(&runtime_settings(config)).map_err(failed)?;
        let library = Library::open(runtime, library_settings(config, cache)).map_err(failed)?;
        check(config, &library, upload, None).await
    }
}

/// Everything that is wrong with an upload for `service`, or for any where there is no name: first of
/// the manifest, and where that can be read, of all the rest.
pub(crate) async fn check(
    config: &Config,
    library: &Library,
    upload: &Upload,
    service: Option<&str>,
) -> Result<Result<Checked, Faults>, Error> {
    let manifest = match Manifest::parse(Manifest::FILE_NAME, &upload.manifest) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(Err(error.named())),
    };
    let mut faults: Faults =
        service.and_then(|name| other_service(&manifest, name)).into_iter().collect();
    let credit_template = credit_template(&manifest, upload).unwrap_or_else(|fault| {
        faults.push(fault);
        String::new()
    });
    match admit(library, upload.component.clone()).await? {
        Ok(program) => {
            let report = program.report().clone();
            faults.extend(too_little_memory(config, &manifest, &report));
            if faults.is_empty() {
                let notes = notes(config, &manifest);
                return Ok(Ok(Checked { manifest, report, notes, credit_template }));
            }
        }
        Err(refused) => faults.extend(refused),
    }
    Ok(Err(faults))
}

fn other_service(manifest: &Manifest, service: &str) -> Option<(String, String)> {
    (manifest.name != service).then(|| {
        (
            format!("the manifest is of {}, the service is {service}", manifest.name),
            format!("write name = \"{service}\" in the manifest, or upload to the other service"),
        )
    })
}

fn credit_template(manifest: &Manifest, upload: &Upload) -> Result<String, (String, String)> {
    let Some(name) = manifest.credit_template.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(String::new());
    };
    let file = upload.files.iter().find(|(file, _)| file == name);
    file.map(|(_, html)| sanitise(html)).ok_or_else(|| {
        (
            format!("the credit template {name} is not in the upload"),
            "send it as a part named \"files\" with that file name".into(),
        )
    })
}

/// A component that needs more memory to begin with than its calls get: each of them would end so.
fn too_little_memory(
    config: &Config,
    manifest: &Manifest,
    report: &Report,
) -> Option<(String, String)> {
    let allowed = manifest.memory_bytes_max.min(mebibytes(config.calls.memory_mib_max)) as u64;
    (report.memory_bytes_min > allowed).then(|| {
        (
            format!(
                "the component has {} bytes of memory at the start; its calls get {allowed}",
                report.memory_bytes_min
            ),
            "raise memory_mib in [limits], or lower the linker's initial memory".into(),
        )
    })
}

/// What the service asks for and does not get here.
fn notes(config: &Config, manifest: &Manifest) -> Faults {
    let mut notes = Faults::new();
    let allowed: Vec<_> =
        config.outbound.hosts.iter().filter_map(|host| host.parse().ok()).collect();
    for host in &manifest.outbound {
        if !allowed.iter().any(|allowed: &stokehold_runtime::Host| allowed.includes(host)) {
            notes.push((
                format!("requests to {host} will be refused: this host does not allow them"),
                format!("ask the operator to add {host} to outbound.hosts"),
            ));
        }
    }
    let memory = mebibytes(config.calls.memory_mib_max);
    let limits = [
        ("memory_mib", (manifest.memory_bytes_max >> 20) as u64, (memory >> 20) as u64),
        ("deadline_s", manifest.deadline.as_secs(), config.calls.deadline_s_max),
        ("concurrency", manifest.concurrency.into(), config.calls.running_per_service_max.into()),
    ];
    for (name, asked, max) in limits {
        if asked > max {
            notes.push((
                format!("{name} is {asked}, and calls get {max}: this host allows no more"),
                format!("plan with {max}, or ask the operator for more"),
            ));
        }
    }
    notes
}

/// Compiles an upload's component now, so that its first call need not.
async fn admit(library: &Library, component: Vec<u8>) -> Result<Result<Program, Faults>, Error> {
    match library.admit(component).await {
        Ok(program) => Ok(Ok(program)),
        Err(LoadError::Refused(faults)) => {
            Ok(Err(faults.0.into_iter().map(|fault| (fault.what, fault.mend)).collect()))
        }
        Err(error) => Err(Error::Host(error.to_string())),
    }
}
