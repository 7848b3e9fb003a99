//! A broker that answers what a test tells it to, and tells what it was asked.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stokehold_provider::Broker;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// Far longer than any request takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the broker does with a request.
pub(crate) enum Answer {
    Result(Value),
    Fault(&'static str, String),
    /// The result, once the test says so.
    Later(oneshot::Receiver<()>, Value),
    /// The connection ends without an answer.
    HangUp,
}

/// A request that the broker got.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) step: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) text: String,
    pub(crate) params: Value,
}

pub(crate) struct Fake {
    pub(crate) broker: Broker,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Fake {
    /// Gives these answers in turn, and then `true`.
    pub(crate) async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}/", listener.local_addr().expect("an address"));
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let (tell, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), tell.clone()));
            }
        });
        Self { broker: Broker::new(&endpoint, "key").expect("an endpoint"), asked }
    }

    /// The next request, when it comes.
    pub(crate) async fn asked(&mut self) -> Asked {
        let asked = tokio::time::timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("it is asked").expect("the broker lives as long as this")
    }

    /// The next request is for this step; its params.
    #[track_caller]
    pub(crate) fn step(&mut self, step: &'static str) -> impl Future<Output = Value> {
        let asked = self.asked();
        async move {
            let asked = asked.await;
            assert_eq!(asked.step, step, "{asked:?}");
            asked.params
        }
    }

    /// Nothing more was asked: the next request is one that this makes.
    pub(crate) async fn nothing_more(mut self) {
        let marker = self.broker.cancel(&"nothing more".to_owned().into()).await;
        marker.expect("it is answered");
        let asked = self.asked().await;
        assert_eq!(asked.params["token"], "nothing more", "{asked:?}");
    }
}

/// One request, one answer, and the connection ends.
async fn serve(
    stream: TcpStream,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    tell: mpsc::UnboundedSender<Asked>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut stream = BufReader::new(stream);
    let asked = read(&mut stream).await?;
    let answer = answers.lock().expect("no test panics here").pop_front();
    tell.send(asked)?;
    let body = match answer.unwrap_or(Answer::Result(true.into())) {
        Answer::Result(result) => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
        Answer::Fault(name, message) => {
            let data = json!({ "name": name, "message": message });
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 200, "data": data } })
        }
        Answer::Later(told, result) => {
            told.await?;
            json!({ "jsonrpc": "2.0", "id": 1, "result": result })
        }
        Answer::HangUp => return Ok(()),
    };
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length";
    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
    Ok(stream.write_all(answer.as_bytes()).await?)
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Asked, Box<dyn Error + Send + Sync>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    let length = header("content-length: ").ok_or("no length")?.parse()?;
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).ok_or("no path")?;
    let step = path.strip_prefix("/iap/1/").ok_or("no path of a broker")?.to_owned();
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await?;
    let text = String::from_utf8(text)?;
    let params = serde_json::from_str::<Value>(&text)?["params"].take();
    Ok(Asked {
        step,
        idempotency_key: header("idempotency-key: ").map(str::to_owned),
        text,
        params,
    })
}
