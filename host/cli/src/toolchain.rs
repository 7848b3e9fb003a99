//! Making a component of a project's sources, whatever language they are in.
//!
//! What a project's language is, its files say, and its toolchain is looked for in the project before
//! the `PATH`. Each language has a file that knows how its compiler is called.

mod c;
mod javascript;
mod language;
mod program;
mod python;
mod rust;
pub(crate) mod world;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use stokehold_app::types::component_digest;
use tempfile::{NamedTempFile, TempDir};
use wit_component::ComponentEncoder;

use crate::failure::Failure;
use crate::project;
pub(crate) use language::Language;

/// A component that was built.
pub(crate) struct Built {
    /// Where it is: what `path` in `[component]` of service.toml says.
    pub(crate) component_path: PathBuf,
    /// Its size.
    pub(crate) size_bytes: usize,
    /// The SHA-256 of its bytes, in hexadecimal, as `check` and the server name it.
    pub(crate) digest: String,
}

/// What a compiler works on.
struct Task<'a> {
    /// The project, as it was named.
    name: &'a Path,
    /// The project, from the root: compilers are run in it.
    directory: &'a Path,
    /// For what is in between: it goes when the build is over.
    scratch: &'a Path,
}

impl Task<'_> {
    /// What failed.
    fn cannot_be_built(&self) -> String {
        format!("{} cannot be built", self.name.display())
    }
}

/// Builds the project in `directory`. What its compiler says goes to standard error.
///
/// It blocks until the compiler has ended. The component is replaced as a whole, or not at all.
pub(crate) fn build(directory: &Path) -> Result<Built, Failure> {
    let component_path = project::load_manifest(directory)?.component_path;
    let language = Language::of(directory)?;
    let scratch = TempDir::new()
        .map_err(|error| Failure::new("there is no place for temporary files", error))?;
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let task = Task { name: directory, directory: &absolute, scratch: scratch.path() };
    let component = match language {
        Language::Rust => rust::compile(&task),
        Language::JavaScript => javascript::compile(&task),
        Language::Python => python::compile(&task),
        Language::C => c::compile(&task),
    }?;
    write(&component_path, &component).map_err(|error| {
        Failure::new(format!("{} cannot be written", component_path.display()), error)
            .hint("is `path` in [component] of service.toml the path of a file that can be?")
    })?;
    let (size_bytes, digest) = (component.len(), component_digest(&component));
    Ok(Built { component_path, size_bytes, digest })
}

/// Makes the component that a core module describes in its own custom sections.
fn encode(task: &Task<'_>, module: &[u8]) -> Result<Vec<u8>, Failure> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| {
        let what = format!("{} is no component", task.name.display());
        Failure::new(what, format!("{error:#}")).hint(
            "a service reaches what its world in wit/ imports, and nothing else: no files, clocks or \
             standard streams of the language's own library",
        )
    })
}

/// Puts a file in its place: whoever reads it sees the old one or the new one.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    // Readable for others, as what a compiler writes.
    #[cfg(unix)]
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}
