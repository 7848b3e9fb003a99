//! `stokehold demo`: the whole story, on real parts and a throw-away store.

mod story;

use std::process::ExitCode;

use serde_json::json;
use stokehold_app::Secret;
use stokehold_app::types::Audit;
use stokehold_server::Host;

use crate::client::{Client, Credential};
use crate::commands::serve::{listen, open};
use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Keep the server up afterwards, and print its addresses
    #[arg(long)]
    serve: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let directory = tempfile::tempdir()
        .map_err(|error| Failure::new("there is no temporary directory", error))?;
    let mut config = config::local();
    config.server.listen = "127.0.0.1:0".into();
    config.store.data = directory.path().join("data");
    config.store.sandbox = true;
    let data = config.store.data.clone();

    let listener = listen(&mut config).await?;
    let host = Host::new(open(config).await?);
    let token = Secret::api_token()
        .map_err(|error| Failure::new("the machine gives no random bytes", error))?;
    host.app
        .ensure_operator(Some(token.clone()))
        .await
        .map_err(|error| Failure::new("the host cannot start", error))?;
    let address = host.base_url.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(stokehold_server::serve(host, listener, async {
        let _ = stopped.await;
    }));

    let client = Client::new(&address, Some(Credential::Token(token.reveal().to_owned())));
    let telling = tokio::task::spawn_blocking(move || story::tell(&client));
    let story = telling.await.map_err(|error| Failure::new("the demo broke off", error))??;
    let findings = Audit::open(&data)
        .map_err(|error| Failure::new("the ledger cannot be opened", error))?
        .verify()
        .map_err(|error| Failure::new("the ledger cannot be read", error))?;

    if args.json {
        output::json(&json!({ "story": story, "ledger_clean": findings.is_empty() }));
    } else {
        output::out(&story.text());
        let verdict = if findings.is_empty() { "clean: every invariant holds" } else { "BROKEN" };
        output::out(&format!("\nledger verify   {verdict}\n"));
    }
    if args.serve {
        output::out(&format!(
            "\nlistening on {address}\noperator's token: {}\n  coal roller: POST {address}/services/coalroller/roll\nCtrl-C ends it\n",
            token.reveal()
        ));
        tokio::signal::ctrl_c()
            .await
            .map_err(|error| Failure::new("signals cannot be received", error))?;
    }
    let _ = stop.send(());
    let served = server.await.map_err(|error| Failure::new("the server broke off", error))?;
    served.map_err(|error| Failure::new("the server broke off", error))?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
