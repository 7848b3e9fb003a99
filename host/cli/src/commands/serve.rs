//! `stokehold serve`.

use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stokehold_app::{App, Config, Error, Manifest, OpenError, Secret};
use stokehold_server::Host;
use tokio::net::TcpListener;

use crate::bundled;
use crate::config;
use crate::failure::Failure;
use crate::output;
use crate::place::{self, Place};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address and port to listen on [default: 127.0.0.1:8070]
    #[arg(long)]
    listen: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Nothing here is worth money: orders are paid at once, services need no approval
    #[arg(long)]
    sandbox: bool,
    /// The operator's token; where none was ever given, the first start makes one and prints it
    #[arg(long, env = "STOKEHOLD_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let mut config = args.place.config()?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    config.store.sandbox |= args.sandbox;
    config::check(&config)?;

    raise_open_files();
    let listener = listen(&mut config).await?;
    let host = Host::new(open(config).await?);
    // Who reads that it listens may ask it to stop.
    let stop = stop_signal()?;
    greet(&host, args.admin_token).await?;
    stokehold_server::serve(host, listener, stop)
        .await
        .map_err(|error| Failure::new("the server broke off", error))?;
    Ok(ExitCode::SUCCESS)
}

/// Lets this process have as many files open as the system lets it: each connection is one, and so is
/// each program in memory. What is usual at first, 1,024, is for programs of another kind.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, what there is has to do.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

pub(crate) async fn open(config: Config) -> Result<Arc<App>, Failure> {
    App::open(config).await.map_err(|error| {
        let hint = match &error {
            OpenError::Store(error) => place::mend(error),
            OpenError::Read(_) => "`stokehold ledger verify` looks into the database",
            _ => "`stokehold config print` shows what is in effect",
        };
        Failure::new("the host cannot start", error).hint(hint)
    })
}

/// Binds the address that is configured, and settles by which address clients know the host: it
/// stands in links, those of mails too.
pub(crate) async fn listen(config: &mut Config) -> Result<TcpListener, Failure> {
    let address = &config.server.listen;
    let bound = TcpListener::bind(address).await;
    let listener = bound.map_err(|error| {
        Failure::new(format!("cannot listen on {address}"), error)
            .hint("choose another address with --listen, or port 0 for any free one")
    })?;
    let local = listener.local_addr();
    let local = local.map_err(|error| Failure::new("the socket has no address", error))?;
    config.server.public_url.get_or_insert_with(|| format!("http://{local}"));
    Ok(listener)
}

/// Says where the server is, and what is known only now: a first token, a first service key.
async fn greet(host: &Host, admin_token: Option<String>) -> Result<(), Failure> {
    let app = &host.app;
    let failed = |error| Failure::new("the host cannot start", error);
    let is_new = app.is_empty();
    let made = app.ensure_operator(admin_token.map(Secret::from)).await.map_err(failed)?;
    if let Some(token) = made {
        output::out(&format!("operator's token, shown only now: {}\n", token.reveal()));
    }
    if is_new && app.config().store.sandbox {
        let upload = bundled::coal_roller();
        let manifest = Manifest::parse(Manifest::FILE_NAME, &upload.manifest)
            .map_err(|error| Failure::new("the bundled service is broken", error))?;
        let name = bundled::NAME;
        match bundled::publish(app, &manifest, upload).await {
            Ok(key) => {
                output::out(&format!("service key of {name}, shown only now: {}\n", key.reveal()));
            }
            // Another host that starts at this moment was quicker, and shows its key.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let mode = if app.config().store.sandbox { " (sandbox)" } else { "" };
    output::out(&format!("listening on {}{mode}\n", host.base_url));
    Ok(())
}

/// Ready at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let signal =
        |kind| signal(kind).map_err(|error| Failure::new("signals cannot be received", error));
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
