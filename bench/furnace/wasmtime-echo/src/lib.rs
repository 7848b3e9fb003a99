//! Answers each request with its own body.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

struct Echo;

impl Guest for Echo {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let body = read(&request);
        let headers = Fields::new();
        let length = body.len().to_string().into_bytes();
        headers.set("content-type", &[b"application/json".to_vec()]).expect("a header");
        headers.set("content-length", &[length]).expect("a header");
        let response = OutgoingResponse::new(headers);
        let answer = response.body().expect("its body");
        ResponseOutparam::set(out, Ok(response));
        let stream = answer.write().expect("its stream");
        stream.blocking_write_and_flush(&body).expect("it is written");
        drop(stream);
        OutgoingBody::finish(answer, None).expect("it ends");
    }
}

fn read(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("a body");
    let stream = body.stream().expect("its stream");
    let mut read = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(part) => read.extend(part),
            Err(StreamError::Closed) => return read,
            Err(error) => panic!("{error}"),
        }
    }
}

wasip2::http::proxy::export!(Echo);
