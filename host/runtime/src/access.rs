//! What a run may reach beside its request.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::services::{KeyValue, Outbound};

/// What a run may reach beside its request: nothing, unless somebody says so.
#[derive(Clone, Default)]
pub struct Access {
    /// What `wasi:config` tells.
    pub config: Arc<BTreeMap<String, String>>,
    /// What it tells as well; the log does not show these values.
    pub secrets: Arc<BTreeMap<String, String>>,
    /// What `wasi:keyvalue` keeps; without it there is no bucket to open.
    pub key_values: Option<Arc<dyn KeyValue>>,
    /// Where `wasi:http` may reach; without it, nowhere.
    pub outbound: Option<Arc<Outbound>>,
}

impl Access {
    /// What a quote may reach: it runs for nothing, so it is told configuration and secrets, and no
    /// more.
    #[must_use]
    pub fn of_quote(&self) -> Self {
        let (config, secrets) = (Arc::clone(&self.config), Arc::clone(&self.secrets));
        Access { config, secrets, ..Access::default() }
    }
}
