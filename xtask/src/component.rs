//! Turning a core module into a component.

use anyhow::{Result, ensure};
use wit_component::ComponentEncoder;

use crate::digest::sha256;

/// A component is committed and uploaded: it has to stay small.
const SIZE_BYTES_MAX: usize = 200_000;

/// Makes the component that a core module describes in its own custom sections.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().module(module)?.validate(true).encode()?;
    let size = component.len();
    ensure!(
        size < SIZE_BYTES_MAX,
        "The component has {size} bytes and may have {SIZE_BYTES_MAX}.\n\
         hint: use fewer or smaller crates, or opt-level = \"s\" for those that need no speed"
    );
    Ok(component)
}

/// How a component is named in messages: its size and the SHA-256 of its bytes.
pub(crate) fn describe(component: &[u8]) -> String {
    format!("{} bytes, sha256 {}", component.len(), sha256(component))
}
