//! The coal roller, which comes with the program.

use std::sync::Arc;

use stokehold_app::types::Credits;
use stokehold_app::{App, Caller, Error, Manifest, Secret, ServiceRequest, Upload};

/// The name of the service that comes with the program.
pub(crate) const NAME: &str = "coalroller";

/// Its manifest, component and files.
pub(crate) fn coal_roller() -> Upload {
    Upload {
        manifest: include_str!("../../../plugins/coalroller/service.toml").to_owned(),
        component: include_bytes!("../../../plugins/coalroller/coalroller.wasm").to_vec(),
        files: vec![(
            "no-credit.html".to_owned(),
            include_str!("../../../plugins/coalroller/no-credit.html").to_owned(),
        )],
    }
}

/// Registers the service of a manifest and uploads its first version. Answers the service key.
pub(crate) async fn publish(
    app: &Arc<App>,
    manifest: &Manifest,
    upload: Upload,
) -> Result<Secret, Error> {
    let key = register(app, manifest).await?;
    app.upload(Caller::Operator, &manifest.name, upload, true).await?;
    Ok(key)
}

/// Registers the service of a manifest. Answers the service key.
pub(crate) async fn register(app: &Arc<App>, manifest: &Manifest) -> Result<Secret, Error> {
    let request = ServiceRequest {
        name: manifest.name.clone(),
        label: manifest.label.clone(),
        unit: Some(manifest.unit.clone()),
        description: Some(manifest.description.clone()),
        privacy_policy: Some(manifest.privacy_policy.clone()),
        trial_credits: Credits::ZERO.max(manifest.trial_credits),
    };
    let (_, key) = app.create_service(Caller::Operator, request).await?;
    Ok(key)
}
