//! `wasi:http`: requests of a guest, as far as they may go.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use wasmtime::component::Linker;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};
use wasmtime_wasi_io::bytes::Bytes;

use super::outbound::{Denied, Outbound, Target};
use super::tls;
use crate::bill::Bill;
use crate::instance::State;
use crate::log::Log;
use crate::price_list::HostCall;

/// Bytes of one header section: what most servers take, four times over.
const HEADER_BYTES_MAX: usize = 32 << 10;

/// What the host keeps for a guest that makes requests.
pub(super) struct Http {
    context: WasiHttpCtx,
    sender: Sender,
}

impl Http {
    pub(super) fn new(outbound: Option<Arc<Outbound>>, bill: Bill, log: Log) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(HEADER_BYTES_MAX);
        Http { context, sender: Sender { outbound, bill, log, sent: 0 } }
    }
}

fn http_of(state: &mut State) -> WasiHttpCtxView<'_> {
    let services = state.serve(HostCall::Http);
    let http = &mut services.http;
    WasiHttpCtxView { hooks: &mut http.sender, table: &mut services.table, ctx: &mut http.context }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    types::add_to_linker::<_, WasiHttp>(linker, &(&options).into(), http_of)?;
    outgoing_handler::add_to_linker::<_, WasiHttp>(linker, http_of)
}

/// Sends the requests of one call.
struct Sender {
    outbound: Option<Arc<Outbound>>,
    bill: Bill,
    log: Log,
    sent: usize,
}

type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Driver), Error>;

impl WasiHttpHooks for Sender {
    fn p2_error_from_tls(&mut self, error: &io::Error) -> ErrorCode {
        match tls::certificate_error(error) {
            Some(_) => ErrorCode::TlsCertificateError,
            None => ErrorCode::TlsProtocolError,
        }
    }

    /// Redirects are not followed: the guest sees them, and a request that follows one is checked
    /// like any other.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _answered: Driver,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let Some(outbound) = self.outbound.clone() else {
            return self.deny(Outbound::denied(request.uri()));
        };
        self.bill.add(HostCall::HttpRequest, 0);
        self.sent += 1;
        if self.sent > outbound.settings().requests_max {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        let target = match outbound.target(request.uri()) {
            Ok(target) => target,
            Err(denied) => return self.deny(denied),
        };
        let (bill, log) = (self.bill.clone(), self.log.clone());
        let options = options.unwrap_or_default();
        Box::new(async move {
            let sent = send(&outbound, &target, &bill, request, options).await;
            sent.inspect_err(|error| {
                log.push(&format!("outbound: a request to {target} failed: {}", why(error)));
            })
        })
    }
}

impl Sender {
    fn deny(&self, denied: Denied) -> Box<dyn Future<Output = Sent> + Send> {
        self.log.push(&format!("outbound: a request was refused: {denied}"));
        Box::new(async { Err(denied.into()) })
    }
}

/// What went wrong, for the service's developer.
fn why(error: &Error) -> String {
    match error {
        Error::DestinationIpProhibited => {
            "its address is private, and outbound.private_addresses of this host allows none".into()
        }
        Error::Tls(error) => tls::why(error),
        Error::Hyper(error) if error.is_parse() => {
            format!("what it answers is no HTTP ({error}): https:// is for hosts that encrypt")
        }
        error => error.to_string(),
    }
}

async fn send(
    outbound: &Outbound,
    target: &Target,
    bill: &Bill,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Sent {
    let stream = outbound.connect(target, options.connect_timeout).await?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEADER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await?;
    // The connection goes with the call: dropping the handle ends it.
    let connection = spawn(connection);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let bytes_max = outbound.settings().body_bytes_max;
    let request = request.map(|body| Counted {
        body,
        bill: bill.clone(),
        left: bytes_max,
        error: || Error::HttpRequestBodySize(None),
    });
    let answering = sender.send_request(request);
    let answer = match options.first_byte_timeout {
        None => answering.await?,
        Some(time) => tokio::time::timeout(time, answering)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??,
    };
    let answer = answer.map(|body| {
        let body = body.map_err(Error::from);
        let error = || Error::HttpResponseBodySize(None);
        Counted { body, bill: bill.clone(), left: bytes_max, error }.boxed_unsync()
    });
    let driver: Driver = Box::new(async move { Ok(connection.await?) });
    Ok((answer, driver))
}

/// A body whose bytes are billed, up to a limit.
struct Counted<B> {
    body: B,
    bill: Bill,
    left: usize,
    error: fn() -> Error,
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame?;
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.bill.add_units(HostCall::HttpRequest, bytes);
        let Some(left) = self.left.checked_sub(bytes) else {
            return Poll::Ready(Some(Err((self.error)())));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
