//! Listening and stopping.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::path::normalise;
use crate::router::{Host, router};

/// How long open connections may take to end after every call has.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(5);

/// How long to wait before accepting again where the machine has no more of something, such as
/// open files: only time brings it back.
const SHORT_OF_RESOURCES: Duration = Duration::from_millis(200);

/// Serves on `listener` until `stop` is ready. Then it takes no more connections, lets the calls
/// that run finish within the configured grace time, cancels the rest, and returns.
///
/// A connection that sends no whole header within `server.read_s_max`, the time between two
/// requests included, is closed. Where `server.connections_max` are open, further ones wait to be
/// accepted.
pub async fn serve(
    host: Host,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let settings = &host.app.config().server;
    let service = MapRequestLayer::new(normalise).layer(router(&host));
    let service = TowerToHyperService::new(service);
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(settings.read_s_max));
    let places = Arc::new(Semaphore::new(settings.connections_max));
    let connections = GracefulShutdown::new();

    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke");
            }
            drop(place);
        });
    }
    tracing::info!("stopping");
    drop(listener);
    // From here on each connection ends with the request that it is at.
    let ended = tokio::spawn(connections.shutdown());
    host.app.drain(Duration::from_secs(settings.grace_s)).await;
    if timeout(CONNECTIONS_GRACE, ended).await.is_err() {
        tracing::warn!("connections were still open and are cut off");
    }
    Ok(())
}

/// The next connection.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // An answer is written whole: nothing is gained by waiting for more to send.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return stream;
            }
            Err(error) if is_of_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(SHORT_OF_RESOURCES).await;
            }
        }
    }
}

/// Whether a connection ended before it was accepted, which is nobody's concern.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
