//! Projects in an OCI registry, as the ecosystem keeps components there: `wkg` pulls what is pushed.
//!
//! The client speaks as much of the OCI distribution specification 1.1 as that takes: a component is
//! one blob, its configuration another, and a manifest names both.

mod artifact;
mod auth;
mod reference;

use stokehold_app::Upload;
use stokehold_app::types::{Report, component_digest};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub(crate) use self::reference::Reference;

use self::artifact::Artifact;
use self::auth::{Account, Authority};
use crate::failure::Failure;

/// The largest blob that is read, in bytes: a component and then some.
const BLOB_BYTES_MAX: u64 = 128 << 20;
/// What registries allow for a manifest, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// The account at the registry.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Login {
    /// The user of an OCI registry
    #[arg(long, env = "STOKEHOLD_REGISTRY_USER", value_name = "USER")]
    registry_user: Option<String>,
    /// A file that holds the user's password or token; `STOKEHOLD_REGISTRY_PASSWORD` is another place
    #[arg(long, value_name = "FILE")]
    registry_password_file: Option<std::path::PathBuf>,
}

impl Login {
    fn account(&self) -> Result<Option<Account>, Failure> {
        let Some(user) = self.registry_user.clone() else { return Ok(None) };
        let password = match &self.registry_password_file {
            Some(file) => crate::commands::secret::read(Some(file))?.reveal().to_owned(),
            None => std::env::var("STOKEHOLD_REGISTRY_PASSWORD").map_err(|_| {
                Failure::usage("the registry's user has no password", "none was given")
                    .hint("--registry-password-file or STOKEHOLD_REGISTRY_PASSWORD gives it")
            })?,
        };
        Ok(Some(Account { user, password }))
    }
}

/// A repository of a registry, asked for one purpose.
struct Registry<'a> {
    agent: Agent,
    reference: &'a Reference,
    authority: Authority,
}

/// Pushes a project that was found sound. Answers the digest of what stands there now.
pub(crate) fn push(
    reference: &Reference,
    login: &Login,
    upload: &Upload,
    report: &Report,
) -> Result<String, Failure> {
    let registry = Registry::new(reference, login)?;
    let artifact = Artifact::of(upload, report);
    registry.push_blob(&upload.component)?;
    registry.push_blob(&artifact.config)?;
    let kind = artifact::MANIFEST;
    let failed = registry.not_pushed();
    let put = registry.asked(&failed, |agent, authorization| {
        let request = agent.put(registry.manifest_url()).content_type(kind);
        auth::signed(request, authorization).send(&artifact.manifest[..])
    })?;
    registry.expect(&failed, &put, &[StatusCode::CREATED])?;
    Ok(digest(&artifact.manifest))
}

/// Pulls a project, and checks that it is what its digests say.
pub(crate) fn pull(reference: &Reference, login: &Login) -> Result<Upload, Failure> {
    let registry = Registry::new(reference, login)?;
    let failed = format!("{reference} was not pulled");
    let mut found = registry.asked(&failed, |agent, authorization| {
        let request = agent.get(registry.manifest_url()).header("Accept", artifact::MANIFEST);
        auth::signed(request, authorization).call()
    })?;
    registry.expect(&failed, &found, &[StatusCode::OK])?;
    let manifest = read(&mut found, MANIFEST_BYTES_MAX, &failed)?;
    let contents = artifact::contents(&manifest).map_err(|why| {
        Failure::new(&failed, why).hint(
            "`stokehold publish DIR --to oci://…` pushes a component together with its service.toml; \
             what another tool has pushed is to be pulled with that tool and published from a directory",
        )
    })?;
    let component = registry.pull_blob(&contents.layer)?;
    Ok(Upload { manifest: contents.manifest, component, files: contents.files })
}

impl<'a> Registry<'a> {
    fn new(reference: &'a Reference, login: &Login) -> Result<Self, Failure> {
        let config = Agent::config_builder().http_status_as_error(false).build();
        let authority = Authority::new(login.account()?);
        Ok(Self { agent: config.into(), reference, authority })
    }

    fn not_pushed(&self) -> String {
        format!("{} was not pushed", self.reference)
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.reference.server(), self.reference.repository)
    }

    fn manifest_url(&self) -> String {
        self.url(&format!("manifests/{}", self.reference.version))
    }

    /// Sends a request, and once more with what the registry asks for where it asks who it is.
    fn asked(
        &self,
        what: &str,
        send: impl Fn(&Agent, Option<&str>) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        let failed = |error: ureq::Error| self.unreachable(what, &error);
        let answer = send(&self.agent, self.authority.known().as_deref()).map_err(failed)?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match self.authority.answer(&self.agent, &answer)? {
            Some(authorization) => send(&self.agent, Some(&authorization)).map_err(failed),
            None => Ok(answer),
        }
    }

    fn unreachable(&self, what: &str, error: &ureq::Error) -> Failure {
        Failure::new(what, format!("{} cannot be reached: {error}", self.reference.server()))
            .hint("is the registry's name right? One on this machine is asked over http")
    }

    fn expect(
        &self,
        what: &str,
        answer: &Response<Body>,
        expected: &[StatusCode],
    ) -> Result<(), Failure> {
        let status = answer.status();
        if expected.contains(&status) {
            return Ok(());
        }
        let failure = Failure::new(what, format!("{} answers {status}", self.reference.server()));
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                failure.hint("--registry-user and --registry-password-file say who asks")
            }
            StatusCode::NOT_FOUND => failure.hint("is there such a repository and tag?"),
            _ => failure,
        })
    }

    /// Pushes a blob, unless it is there already.
    fn push_blob(&self, bytes: &[u8]) -> Result<(), Failure> {
        let what = &self.not_pushed();
        let name = digest(bytes);
        let url = self.url(&format!("blobs/{name}"));
        let known = self.asked(what, |agent, authorization| {
            auth::signed(agent.head(&url), authorization).call()
        })?;
        if known.status() == StatusCode::OK {
            return Ok(());
        }
        let begun = self.asked(what, |agent, authorization| {
            auth::signed(agent.post(self.url("blobs/uploads/")), authorization).send_empty()
        })?;
        self.expect(what, &begun, &[StatusCode::ACCEPTED])?;
        let location = begun.headers().get("Location").and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| {
            Failure::new(what, format!("{} names no place for it", self.reference.server()))
        })?;
        let location = self.reference.resolve(location);
        let separator = if location.contains('?') { '&' } else { '?' };
        let place = format!("{location}{separator}digest={name}");
        let send = |agent: &Agent, authorization: Option<&str>| {
            let request = agent.put(&place).content_type("application/octet-stream");
            auth::signed(request, authorization).send(bytes)
        };
        // Who asks is the registry's business alone: a place elsewhere is signed for in its address.
        let put = if self.reference.is_at(&place) {
            self.asked(what, send)?
        } else {
            send(&self.agent, None).map_err(|error| self.unreachable(what, &error))?
        };
        self.expect(what, &put, &[StatusCode::CREATED])
    }

    fn pull_blob(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let what = format!("the component of {} was not pulled", self.reference);
        let url = self.url(&format!("blobs/{name}"));
        let mut found = self.asked(&what, |agent, authorization| {
            auth::signed(agent.get(&url), authorization).call()
        })?;
        self.expect(&what, &found, &[StatusCode::OK])?;
        let bytes = read(&mut found, BLOB_BYTES_MAX, &what)?;
        if digest(&bytes) == name {
            Ok(bytes)
        } else {
            Err(Failure::new(what, format!("what came is not what {name} is the digest of"))
                .hint("the registry, or something on the way, has altered it"))
        }
    }
}

/// The name of what a registry keeps.
fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", component_digest(bytes))
}

fn read(answer: &mut Response<Body>, bytes_max: u64, what: &str) -> Result<Vec<u8>, Failure> {
    let read = answer.body_mut().with_config().limit(bytes_max).read_to_vec();
    read.map_err(|error| Failure::new(what, error))
}
