//! One request and its answer, over `wasi:http`.

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::http::{Error, Request, Response};

/// Bytes that are read at a time.
const PART_BYTES: u64 = 64 << 10;

const CLOSED: &str = "the connection was closed";

pub(crate) fn send(request: &Request) -> Result<Response, Error> {
    let nanoseconds = u64::try_from(request.timeout.as_nanos()).unwrap_or(u64::MAX);
    let end = monotonic_clock::subscribe_duration(nanoseconds);
    let outgoing = outgoing(request)?;
    let body = outgoing.body().map_err(|()| Error::Invalid("the body"))?;
    let answer = outgoing_handler::handle(outgoing, None)?;
    match write(body, &request.body, &end) {
        // Who refuses a request need not read it: what counts is the answer.
        Ok(()) | Err(Error::Failed(_)) => receive(&answer, &end),
        Err(error) => Err(error),
    }
}

fn outgoing(request: &Request) -> Result<OutgoingRequest, Error> {
    let (scheme, authority, path) = request.target()?;
    let length = ("content-length".to_owned(), request.body.len().to_string());
    let headers: Vec<_> = request
        .headers
        .iter()
        .chain([&length])
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    let headers = Fields::from_list(&headers).map_err(|_| Error::Invalid("a header"))?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => Scheme::Other(other.to_owned()),
    };
    let method = if request.is_post { Method::Post } else { Method::Get };
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&path)))
        .map_err(|()| Error::Invalid("the URL"))?;
    Ok(outgoing)
}

/// Waits for an event, but not beyond `end`.
fn wait(event: &Pollable, end: &Pollable) -> Result<(), Error> {
    let is_ready = poll(&[event, end]).contains(&0);
    if is_ready { Ok(()) } else { Err(Error::TimedOut) }
}

fn write(body: OutgoingBody, bytes: &[u8], end: &Pollable) -> Result<(), Error> {
    let stream = body.write().map_err(|()| Error::Invalid("the body"))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = usize::try_from(room(&stream, end)?).unwrap_or(usize::MAX);
        let (part, after) = rest.split_at(rest.len().min(room));
        stream.write(part)?;
        rest = after;
    }
    stream.flush()?;
    room(&stream, end)?;
    // A stream has to go before the body that it belongs to.
    drop(stream);
    Ok(OutgoingBody::finish(body, None)?)
}

/// How many bytes the stream takes now: waits until it takes some.
fn room(stream: &OutputStream, end: &Pollable) -> Result<u64, Error> {
    loop {
        let room = stream.check_write()?;
        if room > 0 {
            return Ok(room);
        }
        wait(&stream.subscribe(), end)?;
    }
}

fn receive(answer: &FutureIncomingResponse, end: &Pollable) -> Result<Response, Error> {
    wait(&answer.subscribe(), end)?;
    let lost = || Error::Failed("the answer was lost".to_owned());
    let response = answer.get().ok_or_else(lost)?.map_err(|()| lost())??;
    Ok(Response { status: response.status(), body: read(&response, end)? })
}

fn read(response: &IncomingResponse, end: &Pollable) -> Result<Vec<u8>, Error> {
    let lost = |()| Error::Failed("the answer has no body".to_owned());
    let body = response.consume().map_err(lost)?;
    let stream = body.stream().map_err(lost)?;
    let mut bytes = Vec::new();
    loop {
        wait(&stream.subscribe(), end)?;
        match stream.read(PART_BYTES) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(error) => return Err(error.into()),
        }
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Self::Denied,
            ErrorCode::ConnectionTimeout | ErrorCode::ConnectionReadTimeout => Self::TimedOut,
            code => Self::Failed(cause(&code).to_owned()),
        }
    }
}

/// The causes that are worth telling apart.
fn cause(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            "the host's name was not found"
        }
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable => {
            "the connection was refused"
        }
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => "there was no secure connection",
        ErrorCode::ConnectionLimitReached => "the call has sent as many requests as it may",
        ErrorCode::HttpRequestBodySize(_) => "the body is too long",
        ErrorCode::HttpResponseBodySize(_) => "the answer is too long",
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => CLOSED,
        _ => "the request failed",
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        Self::Failed(match error {
            StreamError::LastOperationFailed(cause) => cause.to_debug_string(),
            StreamError::Closed => CLOSED.to_owned(),
        })
    }
}
