//! A relay between a store and its PostgreSQL server, which breaks connections at a commit.
//!
//! It reads the client's messages as frames, so it knows a commit when it comes by.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears of the commit.
    BeforeCommit,
    /// It does, and its answer finds nobody.
    AfterCommit,
    /// It has answered, and the answer is lost.
    Answer,
    /// It hears of it long after the client has given up: once [`Relay::release`] says so.
    Late,
}

/// The relay. Connections that are open go on when it is dropped; there are no new ones.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    /// What happens to each commit of a writing session, in their order, from the first.
    plan: Box<dyn Fn(usize) -> Option<Cut> + Send + Sync>,
    commits: AtomicUsize,
    cuts: AtomicUsize,
    is_shut: AtomicBool,
    is_released: Mutex<bool>,
    released: Condvar,
}

impl Relay {
    /// A relay to `server`. `plan` says of each commit of a writing session, counted from 0,
    /// whether its connection breaks.
    pub fn start(
        server: SocketAddr,
        plan: impl Fn(usize) -> Option<Cut> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            server,
            plan: Box::new(plan),
            commits: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
            is_shut: AtomicBool::new(false),
            is_released: Mutex::new(false),
            released: Condvar::new(),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = accepting.clone();
                thread::spawn(move || shared.serve(&client));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has broken at a commit.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Lets no new connection through until [`Relay::open`].
    pub fn refuse(&self) {
        self.shared.is_shut.store(true, Ordering::SeqCst);
    }

    /// Hands on the commits that come late.
    pub fn release(&self) {
        *self.shared.is_released.lock().expect("no panic") = true;
        self.shared.released.notify_all();
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.shared.is_shut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    /// Serves one connection until it ends. Whatever fails, fails for both sides.
    fn serve(&self, client: &TcpStream) {
        if self.is_shut.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(self.server) else { return };
        // Every message waits for its answer, and none for more of its kind.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let twins = || Ok::<_, io::Error>((client.try_clone()?, server.try_clone()?));
        let Ok(back) = twins() else { return };
        let deaf = Arc::new(AtomicBool::new(false));
        let answers = {
            let deaf = deaf.clone();
            thread::spawn(move || answer(back.1, back.0, &deaf))
        };
        // The end of a connection is no news here.
        let _ = self.ask(client, &server, &deaf);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        let _ = answers.join();
    }

    /// Breaks a connection at this commit.
    fn cut_at(
        &self,
        cut: Cut,
        commit: &[u8],
        (mut client, mut server): (&TcpStream, &TcpStream),
        deaf: &AtomicBool,
    ) -> io::Result<()> {
        match cut {
            Cut::BeforeCommit => Ok(()),
            Cut::AfterCommit => server.write_all(commit),
            Cut::Answer => {
                deaf.store(true, Ordering::SeqCst);
                server.write_all(commit)?;
                // Until the one that answers has taken the answer and shut the client's side.
                client.read(&mut [0; 1]).map(drop)
            }
            Cut::Late => {
                let is_released = self.is_released.lock().expect("no panic");
                let waiting = self.released.wait_while(is_released, |released| !*released);
                drop(waiting.expect("no panic"));
                server.write_all(commit)
            }
        }
    }

    /// Hands the client's messages on.
    fn ask(
        &self,
        mut client: &TcpStream,
        mut server: &TcpStream,
        deaf: &AtomicBool,
    ) -> io::Result<()> {
        // The first message has no kind.
        let mut message = Vec::new();
        frame(&mut client, 0, &mut message)?;
        server.write_all(&message)?;
        let mut writes = false;
        loop {
            frame(&mut client, 1, &mut message)?;
            let says = |text: &[u8]| message.first() == Some(&b'Q') && message.ends_with(text);
            // Who only reads begins with more words.
            writes |= says(b"BEGIN\0");
            let is_commit = writes && says(b"COMMIT\0");
            let cut = is_commit.then(|| {
                writes = false;
                (self.plan)(self.commits.fetch_add(1, Ordering::SeqCst))
            });
            match cut.flatten() {
                None => server.write_all(&message)?,
                Some(cut) => {
                    self.cuts.fetch_add(1, Ordering::SeqCst);
                    return self.cut_at(cut, &message, (client, server), deaf);
                }
            }
        }
    }
}

/// Hands the server's answers on, until nobody is to hear them.
fn answer(mut server: TcpStream, mut client: TcpStream, deaf: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        if deaf.load(Ordering::SeqCst) || client.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// Reads a message: `kind` bytes, and a length that counts itself.
fn frame(client: &mut &TcpStream, kind: usize, message: &mut Vec<u8>) -> io::Result<()> {
    message.resize(kind + 4, 0);
    client.read_exact(message)?;
    let length: [u8; 4] = message[kind..].try_into().expect("four bytes");
    let length = usize::try_from(u32::from_be_bytes(length)).expect("a length");
    message.resize(kind + length, 0);
    client.read_exact(&mut message[kind + 4..])
}
