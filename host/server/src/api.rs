//! The management API, `/api/v1`, a file for each noun.

pub(crate) mod account;
pub(crate) mod call;
pub(crate) mod database;
pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod hold;
pub(crate) mod order;
pub(crate) mod pack;
pub(crate) mod secret;
pub(crate) mod service;
pub(crate) mod signing_key;
pub(crate) mod token;
pub(crate) mod version;

use utoipa::Modify;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// Adds the ways to say who asks to the OpenAPI document.
pub(crate) struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        for (name, header) in
            [("service_key", "X-Service-Key"), ("account_token", "X-Account-Token")]
        {
            let key = ApiKey::Header(ApiKeyValue::new(header));
            components.add_security_scheme(name, SecurityScheme::ApiKey(key));
        }
    }
}
