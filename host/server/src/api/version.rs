//! `/services/{name}/versions`: upload, activate.

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use stokehold_app::types::Version;
use stokehold_app::{Published, Upload};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{self, BearerOrKey};
use crate::body::too_large;
use crate::extract::{Path, Query};
use crate::problem::{FaultBody, Problem};
use crate::router::Host;
use crate::when;

/// The mend of an upload that has other parts.
const PARTS: &str =
    "send `manifest` and `component`, and `files` for each file that the manifest names";

/// What becomes of the upload.
#[derive(Deserialize, IntoParams)]
pub(crate) struct UploadQuery {
    /// Whether calls run on the new version at once; `true` where it is left out.
    #[serde(default = "yes")]
    activate: bool,
}

fn yes() -> bool {
    true
}

/// The parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a multipart body, which is read part by part")]
pub(crate) struct UploadBody {
    /// `service.toml`.
    manifest: String,
    /// The component.
    #[schema(format = Binary, content_media_type = "application/wasm")]
    component: String,
    /// Files that the manifest names, each with its file name.
    #[schema(required = false)]
    files: Vec<String>,
}

/// A version that was uploaded.
#[derive(Serialize, ToSchema)]
pub(crate) struct Uploaded {
    version: u32,
    /// SHA-256 of the component, hexadecimal.
    digest: String,
    /// Whether calls run on it.
    active: bool,
    /// The component's size in bytes.
    size: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    /// What the service asks for and does not get on this host, each with what to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<FaultBody>,
    created_at: String,
}

/// A version.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionBody {
    version: u32,
    /// SHA-256 of the component, hexadecimal.
    digest: String,
    /// Whether calls run on it.
    active: bool,
    /// Why it takes no calls for a while: call after call has failed. Activating it, or another
    /// version, ends this.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<SuspensionBody>,
    created_at: String,
}

/// A version with what its provider says of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeVersion {
    #[serde(flatten)]
    version: VersionBody,
    /// `service.toml`, as it was uploaded.
    manifest: String,
}

/// Why a version takes no calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuspensionBody {
    /// The class of the last failure.
    outcome: String,
    /// How many calls in a row have failed.
    failures: u32,
    /// Since when; a trial that failed begins it anew.
    since: String,
}

/// Versions, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Versions {
    versions: Vec<VersionBody>,
}

/// Upload a version. It is validated, and a refusal names every fault and its mend.
#[utoipa::path(post, path = "/api/v1/services/{name}/versions", tag = "versions",
    security(("token" = ["provider"]), ("service_key" = [])),
    params(("name" = String, Path), UploadQuery),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 201, body = Uploaded), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn upload(
    State(host): State<Host>,
    BearerOrKey(caller): BearerOrKey,
    Path(name): Path<String>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    multipart: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let multipart = multipart.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let bytes_max = host.app.config().server.upload_bytes_max;
    check_length(&headers, bytes_max)?;
    let upload = read(multipart, bytes_max).await?;
    let published = host.app.upload(caller, &name, upload, query.activate).await?;
    let Published { version, active, report, notes } = published;
    let body = Uploaded {
        version: version.number,
        digest: version.digest,
        active,
        size: report.size_bytes,
        imports: report.imports,
        exports: report.exports,
        notes: notes.into_iter().map(|(what, mend)| FaultBody { what, mend }).collect(),
        created_at: when::text(version.created_at),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// List the versions of a service.
#[utoipa::path(get, path = "/api/v1/services/{name}/versions", tag = "versions",
    security(("token" = ["provider"]), ("service_key" = [])), params(("name" = String, Path)),
    responses((status = 200, body = Versions), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    BearerOrKey(caller): BearerOrKey,
    Path(name): Path<String>,
) -> Result<Json<Versions>, Problem> {
    let active = host.app.active_version(&name);
    let versions = host.app.versions(caller, &name).await?;
    let versions = versions.into_iter().map(|version| body(&host, version, active)).collect();
    Ok(Json(Versions { versions }))
}

/// Show a version, with its manifest.
#[utoipa::path(get, path = "/api/v1/services/{name}/versions/{version}", tag = "versions",
    security(("token" = ["provider"]), ("service_key" = [])),
    params(("name" = String, Path), ("version" = u32, Path)),
    responses((status = 200, body = WholeVersion), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(host): State<Host>,
    BearerOrKey(caller): BearerOrKey,
    Path((name, version)): Path<(String, u32)>,
) -> Result<Json<WholeVersion>, Problem> {
    let version = host.app.version(caller, &name, version).await?;
    let active = host.app.active_version(&name);
    let manifest = version.manifest.clone();
    Ok(Json(WholeVersion { version: body(&host, version, active), manifest }))
}

/// Put a version into service, forward or back. Calls that run finish on theirs.
#[utoipa::path(post, path = "/api/v1/services/{name}/versions/{version}/activate", tag = "versions",
    security(("token" = ["provider"]), ("service_key" = [])),
    params(("name" = String, Path), ("version" = u32, Path)),
    responses((status = 200, body = VersionBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn activate(
    State(host): State<Host>,
    BearerOrKey(caller): BearerOrKey,
    Path((name, version)): Path<(String, u32)>,
) -> Result<Json<VersionBody>, Problem> {
    let version = host.app.activate(caller, &name, version).await?;
    let active = host.app.active_version(&name);
    Ok(Json(body(&host, version, active)))
}

fn body(host: &Host, version: Version, active: Option<u32>) -> VersionBody {
    let suspended = host.app.suspension(&version).map(|suspension| SuspensionBody {
        outcome: suspension.outcome,
        failures: suspension.failures,
        since: when::text(suspension.since),
    });
    VersionBody {
        version: version.number,
        digest: version.digest,
        active: active == Some(version.number),
        suspended,
        created_at: when::text(version.created_at),
    }
}

/// Refuses an upload by the length that it announces. A client that waits for leave to send it
/// (`Expect: 100-continue`) is told so instead of being cut off.
fn check_length(headers: &HeaderMap, bytes_max: usize) -> Result<(), Problem> {
    let length = auth::text(headers, header::CONTENT_LENGTH.as_str());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > bytes_max => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, too_large(bytes_max)))
        }
        _ => Ok(()),
    }
}

/// Reads the parts `manifest`, `component` and any number of `files`.
async fn read(mut multipart: Multipart, bytes_max: usize) -> Result<Upload, Problem> {
    let bad = |error| unread(&error, bytes_max);
    let (mut manifest, mut component, mut files) = (None, None, Vec::new());
    while let Some(field) = multipart.next_field().await.map_err(bad)? {
        match field.name().unwrap_or_default() {
            "manifest" => manifest = Some(text(field, bytes_max).await?),
            "component" => component = Some(field.bytes().await.map_err(bad)?.to_vec()),
            "files" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                files.push((name, text(field, bytes_max).await?));
            }
            other => {
                let what = format!("the upload has a part \"{other}\", which is not known");
                return Err(Problem::fault(what, PARTS));
            }
        }
    }
    let missing = |part| Problem::fault(format!("the upload has no part \"{part}\""), PARTS);
    Ok(Upload {
        manifest: manifest.ok_or_else(|| missing("manifest"))?,
        component: component.ok_or_else(|| missing("component"))?,
        files,
    })
}

async fn text(field: Field<'_>, bytes_max: usize) -> Result<String, Problem> {
    let name = field.name().unwrap_or_default().to_owned();
    let bytes = field.bytes().await.map_err(|error| unread(&error, bytes_max))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Problem::fault(format!("the part \"{name}\" is not UTF-8"), "save the file as UTF-8")
    })
}

fn unread(error: &MultipartError, bytes_max: usize) -> Problem {
    match error.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, too_large(bytes_max)),
        status => Problem::new(status, error.body_text()),
    }
}
