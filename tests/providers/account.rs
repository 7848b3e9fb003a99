//! An account with credits on a server under test.

use serde_json::json;
use stokehold_tests::server::{Server, assert_clean};
use tempfile::TempDir;

/// The token of the account with credits.
pub(crate) const RICH: &str = "rich-account-of-the-tests";
/// The token of an account that has none.
pub(crate) const POOR: &str = "poor-account-of-the-tests";

/// A sandbox with ten credits on one account of one service.
pub(crate) struct Till {
    pub(crate) server: Server,
    /// The key of the service.
    pub(crate) key: String,
    service: &'static str,
    data: TempDir,
}

impl Till {
    /// The till of a service: the coal roller comes with the server, another is registered.
    pub(crate) fn of(service: &'static str) -> Self {
        let data = TempDir::new().expect("a directory");
        let server = Server::sandbox(data.path());
        let key = match service {
            "coalroller" => server.key.clone().expect("the first start shows it"),
            _ => server.register(service),
        };
        server.grant(service, RICH, &json!(10));
        Self { server, key, service, data }
    }

    /// What the programs under test are told of it.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 4] {
        let Self { server, key, .. } = self;
        [("SERVER", &server.address), ("SERVICE_KEY", key), ("RICH", RICH), ("POOR", POOR)]
    }

    /// What the client reads of its newest charge.
    #[track_caller]
    pub(crate) fn last_description(&self) -> String {
        let path = format!("/api/v1/services/{}/accounts/{RICH}/statement", self.service);
        let statement = self.server.operator().get(&path).expect(200);
        let newest = statement["entries"].as_array().and_then(|entries| entries.last());
        newest.expect("a charge")["description"].as_str().expect("a text").to_owned()
    }

    /// Asserts that so much of the ten credits is left, nothing is on hold, and the ledger adds up.
    #[track_caller]
    pub(crate) fn assert_left(&self, credits: f64) {
        let account = self.server.account(self.service, RICH);
        assert_eq!(account["balance"], json!(credits), "{account}");
        assert_eq!(account["held"], 0, "{account}");
        assert_clean(self.data.path());
    }
}
