//! One keep-alive connection, as lean as a client can be: what it costs is taken from the server.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More headers than any answer has.
const HEADERS_MAX: usize = 32;

/// A connection, with buffers that are used again.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The request to be sent.
    pub(crate) request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::with_capacity(1024), answer: Vec::with_capacity(1024) })
    }

    /// Sends the request and gives the body of its answer.
    pub(crate) async fn send(&mut self) -> Result<&[u8]> {
        self.stream.write_all(&self.request).await?;
        self.request.clear();
        self.answer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server hung up");
            if let Some(begin) = whole(&self.answer)? {
                return Ok(&self.answer[begin..]);
            }
        }
    }
}

/// Where the body of an answer begins, once all of it is there.
fn whole(answer: &[u8]) -> Result<Option<usize>> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut response = Response::new(&mut headers);
    let Status::Complete(begin) = response.parse(answer)? else { return Ok(None) };
    let status = response.code;
    ensure!(status == Some(200), "the answer is {status:?}: {}", String::from_utf8_lossy(answer));
    let length =
        response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize =
        std::str::from_utf8(length.context("the answer has a length")?.value)?.parse()?;
    Ok((answer.len() >= begin + length).then_some(begin))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_when_its_last_byte_has_come() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue";
        assert_eq!(whole(answer).unwrap(), Some(answer.len() - 4));
        for length in 0..answer.len() {
            assert_eq!(whole(&answer[..length]).unwrap(), None, "{length}");
        }
        assert!(whole(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
