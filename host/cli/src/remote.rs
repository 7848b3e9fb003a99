//! Which server is asked, and by whom: the options of every command that talks to one.

use crate::client::{Client, Credential};
use crate::failure::Failure;

/// A server, and a token for it.
#[derive(clap::Args)]
pub(crate) struct Remote {
    /// The server's address
    #[arg(long, env = "STOKEHOLD_SERVER", default_value = "http://127.0.0.1:8070")]
    server: String,
    /// A token of the service's provider, or an operator's
    #[arg(long, env = "STOKEHOLD_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A server, and a service's key or a token for it.
#[derive(clap::Args)]
pub(crate) struct RemoteService {
    /// The server's address
    #[arg(long, env = "STOKEHOLD_SERVER", default_value = "http://127.0.0.1:8070")]
    server: String,
    #[command(flatten)]
    credential: KeyOrToken,
}

#[derive(clap::Args)]
struct KeyOrToken {
    /// The service key; where it is there, no token is used
    #[arg(long, env = "STOKEHOLD_SERVICE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A token of the service's provider, or an operator's
    #[arg(long, env = "STOKEHOLD_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Remote {
    /// Asks on a thread that may wait.
    pub(crate) async fn ask<T: Send + 'static>(
        self,
        ask: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let credential = self.token.map(Credential::Token);
        let credential = credential
            .ok_or_else(|| nobody("there is no token").hint("--token or STOKEHOLD_TOKEN"))?;
        asked(Client::new(&self.server, Some(credential)), ask).await
    }
}

impl RemoteService {
    /// Asks on a thread that may wait.
    pub(crate) async fn ask<T: Send + 'static>(
        self,
        ask: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let KeyOrToken { key, token } = self.credential;
        let credential = key.map(Credential::Key).or(token.map(Credential::Token));
        let credential = credential.ok_or_else(|| {
            nobody("there is neither a key nor a token")
                .hint("--key or STOKEHOLD_SERVICE_KEY, --token or STOKEHOLD_TOKEN")
        })?;
        asked(Client::new(&self.server, Some(credential)), ask).await
    }
}

fn nobody(why: &str) -> Failure {
    Failure::usage("the server is not told who asks", why)
}

async fn asked<T: Send + 'static>(
    client: Client,
    ask: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let asking = tokio::task::spawn_blocking(move || ask(&client));
    asking.await.map_err(|error| Failure::new("the request broke off", error))?
}
