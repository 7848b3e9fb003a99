//! Listening and stopping.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use tokio::net::TcpListener;
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::path::normalise;
use crate::router::{Host, router};

/// How long open connections may take to end after every call has.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(5);

/// Serves on `listener` until `stop` is ready. Then it takes no more connections, lets the calls
/// that run finish within the configured grace time, cancels the rest, and returns.
pub async fn serve(
    host: Host,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = MapRequestLayer::new(normalise).layer(router(&host));
    let service = ServiceExt::<Request>::into_make_service(service);
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // An error says that the other side is gone, which is a reason to stop as well.
        let _ = stopped.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return ended?,
        () = stop => {}
    }
    tracing::info!("stopping");
    let _ = stopping.send(());
    host.app.drain(Duration::from_secs(host.app.config().server.grace_s)).await;
    let ended = tokio::time::timeout(CONNECTIONS_GRACE, &mut server).await;
    server.abort();
    ended.map_or(Ok(()), |ended| ended?)
}
