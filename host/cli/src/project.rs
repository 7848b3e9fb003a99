//! A plugin project on disk: a manifest, a component, and the files that the manifest names.

use std::fs;
use std::path::{Path, PathBuf};

use stokehold_app::{Manifest, ManifestError, Upload};
use toml::Table;

use crate::failure::Failure;

/// What `check`, `run` and `publish` work on.
pub(crate) struct Project {
    pub(crate) manifest: Manifest,
    pub(crate) upload: Upload,
    /// Where the component was found.
    pub(crate) component_path: PathBuf,
}

impl Project {
    /// The manifest's text as a table.
    pub(crate) fn table(&self) -> Table {
        // It was read as a manifest before: it is TOML.
        self.upload.manifest.parse().unwrap_or_default()
    }

    /// A project that came as a whole; `name` says where from.
    pub(crate) fn whole(name: &str, upload: Upload) -> Result<Self, Unloaded> {
        let path = PathBuf::from(name);
        let manifest = parse(&path, &upload.manifest)?;
        Ok(Self { manifest, upload, component_path: path })
    }

    /// The project with another manifest in the place of its own.
    pub(crate) fn with(mut self, manifest: &Table) -> Result<Self, ManifestError> {
        self.upload.manifest = manifest.to_string();
        self.manifest = Manifest::parse(Manifest::FILE_NAME, &self.upload.manifest)?;
        Ok(self)
    }
}

/// Why a project cannot be worked on.
pub(crate) enum Unloaded {
    /// A file of it cannot be read.
    File(Failure),
    /// Its manifest is not valid.
    Manifest { path: PathBuf, error: ManifestError },
}

impl From<Failure> for Unloaded {
    fn from(failure: Failure) -> Self {
        Self::File(failure)
    }
}

impl From<Unloaded> for Failure {
    fn from(unloaded: Unloaded) -> Self {
        match unloaded {
            Unloaded::File(failure) => failure,
            Unloaded::Manifest { path, error } => {
                Failure::plain(format!("{} is not valid", path.display())).faults(error.named())
            }
        }
    }
}

/// The manifest of a component that has none beside it: enough to check and run it.
const STAND_IN: &str = r#"
[service]
name = "local"
label = "Local"
[component]
path = "component.wasm"
[tariff]
fuel_per_credit = 120_000_000_000
"#;

/// Reads a project from its directory, or from its component. A component without a manifest beside
/// it gets a stand-in.
pub(crate) fn load(path: &Path) -> Result<Project, Unloaded> {
    if path.is_dir() {
        return load_directory(path);
    }
    let component = read(path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    if directory.join(Manifest::FILE_NAME).is_file() {
        let mut project = load_manifest(directory)?;
        project.upload.component = component;
        path.clone_into(&mut project.component_path);
        return Ok(project);
    }
    let manifest = parse(path, STAND_IN)?;
    let upload = Upload { manifest: STAND_IN.to_owned(), component, files: Vec::new() };
    Ok(Project { manifest, upload, component_path: path.to_owned() })
}

/// Reads a project from the directory of its manifest.
pub(crate) fn load_directory(directory: &Path) -> Result<Project, Unloaded> {
    let mut project = load_manifest(directory)?;
    project.upload.component = fs::read(&project.component_path).map_err(|error| {
        Failure::new(format!("{} cannot be read", project.component_path.display()), error)
            .hint("build the component first, or mend `path` in [component] of service.toml")
    })?;
    Ok(project)
}

/// Reads everything but the component.
pub(crate) fn load_manifest(directory: &Path) -> Result<Project, Unloaded> {
    let path = directory.join(Manifest::FILE_NAME);
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::new(format!("{} cannot be read", path.display()), error)
            .hint("name the directory that holds service.toml, or a component")
    })?;
    let manifest = parse(&path, &text)?;
    let mut files = Vec::new();
    if let Some(name) = &manifest.credit_template {
        let file = directory.join(name);
        let html = fs::read_to_string(&file).map_err(|error| {
            Failure::new(format!("{} cannot be read", file.display()), error)
                .hint("it is the `credit_template` of service.toml")
        })?;
        files.push((name.clone(), html));
    }
    let component_path = directory.join(&manifest.component_path);
    let upload = Upload { manifest: text, component: Vec::new(), files };
    Ok(Project { manifest, upload, component_path })
}

fn parse(path: &Path, text: &str) -> Result<Manifest, Unloaded> {
    Manifest::parse(Manifest::FILE_NAME, text)
        .map_err(|error| Unloaded::Manifest { path: path.to_owned(), error })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        Failure::new(format!("{} cannot be read", path.display()), error)
            .hint("name a component, or the directory that holds service.toml")
    })
}
