//! How a component is kept in a registry: the Wasm OCI artifact of the CNCF's working group.
//!
//! Clients such as `wkg` take a manifest with exactly one layer, so what else belongs to a project
//! stands in the manifest's annotations: `service.toml`, and the files that it names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stokehold_app::Upload;
use stokehold_app::types::Report;

use super::digest;

/// The media types of the manifest, of the configuration and of the component.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// The annotation that holds `service.toml`.
const SERVICE: &str = "stokehold.manifest";
/// The start of the annotations that hold files; their names follow.
const FILE: &str = "stokehold.file.";

/// The same project makes the same artifact whenever it is pushed, so no time is told.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What is pushed beside the component.
pub(super) struct Artifact {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

/// What a manifest names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// The digest of the component.
    pub(super) layer: String,
    /// `service.toml`.
    pub(super) manifest: String,
    pub(super) files: Vec<(String, String)>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u8,
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [String; 1],
    component: Component<'a>,
}

#[derive(Serialize)]
struct Component<'a> {
    exports: &'a [String],
    imports: &'a [String],
    target: &'a str,
}

impl Descriptor {
    fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: digest(bytes), size: bytes.len() }
    }
}

impl Artifact {
    /// The artifact of a project whose component was checked.
    pub(super) fn of(upload: &Upload, report: &Report) -> Self {
        let layer = Descriptor::of(LAYER, &upload.component);
        let config = Config {
            created: CREATED,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [layer.digest.clone()],
            component: Component {
                exports: &report.exports,
                imports: &report.imports,
                target: "stokehold:service/paid-service@0.1.0",
            },
        };
        let config = json(&config);
        let files = upload.files.iter().map(|(name, text)| (format!("{FILE}{name}"), text.clone()));
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            config: Descriptor::of(CONFIG, &config),
            layers: vec![layer],
            annotations: files.chain([(SERVICE.to_owned(), upload.manifest.clone())]).collect(),
        };
        Self { manifest: json(&manifest), config }
    }
}

/// Reads a manifest, or says why it is not a service's.
pub(super) fn contents(manifest: &[u8]) -> Result<Contents, String> {
    let manifest: Manifest =
        serde_json::from_slice(manifest).map_err(|error| format!("no OCI manifest: {error}"))?;
    let layer = match manifest.layers.as_slice() {
        [layer] if layer.media_type == LAYER => layer.digest.clone(),
        _ => return Err(format!("it is no component: one layer of {LAYER} is expected")),
    };
    let mut annotations = manifest.annotations;
    let service = annotations.remove(SERVICE);
    let service =
        service.ok_or_else(|| format!("it has no service.toml, in the annotation {SERVICE}"))?;
    let file = |(name, text): (String, String)| Some((name.strip_prefix(FILE)?.to_owned(), text));
    let files = annotations.into_iter().filter_map(file).collect();
    Ok(Contents { layer, manifest: service, files })
}

/// Plain data is always JSON.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_service_is_refused() {
        for (manifest, why) in [
            ("{}", "no OCI manifest"),
            (
                r#"{"schemaVersion":2,"config":{"mediaType":"a","digest":"b","size":1},"layers":[]}"#,
                "no component",
            ),
            (
                r#"{"schemaVersion":2,"config":{"mediaType":"a","digest":"b","size":1},
                    "layers":[{"mediaType":"application/wasm","digest":"b","size":1}]}"#,
                "no service.toml, in the annotation stokehold.manifest",
            ),
        ] {
            let said = contents(manifest.as_bytes()).expect_err("refused");
            assert!(said.contains(why), "{said}");
        }
    }
}
