//! A server on this machine that fails in the ways that networks do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes these bytes and keeps the connection.
    Write(String),
    /// Writes these bytes and closes the connection.
    Cut(String),
    /// Writes these bytes, and then nothing for ever.
    Stall(String),
}

/// Answers with a status, headers and a body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Act {
    Act::Write(response(status, headers, body.len(), body))
}

/// Writes a response that promises `length` bytes of body.
pub fn response(status: u16, headers: &[(&str, &str)], length: usize, body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text + "\r\n" + body
}

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    head: String,
    pub body: String,
}

impl Received {
    /// Returns the request line, such as `GET /v1/charges HTTP/1.1`.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value)
    }
}

pub struct MisbehavingServer {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    script: Vec<Act>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
}

impl MisbehavingServer {
    /// Starts a server that follows a script, and repeats its last act.
    pub async fn start(script: &[Act]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: script.to_vec(),
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Self { address, state }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl State {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        while let Some(request) = read_request(&mut stream).await {
            let act = self.act_on(request);
            let (Act::Write(bytes) | Act::Cut(bytes) | Act::Stall(bytes)) = &act;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            match act {
                Act::Write(_) => {}
                Act::Cut(_) => return,
                Act::Stall(_) => std::future::pending().await,
            }
        }
    }

    fn act_on(&self, request: Received) -> Act {
        let mut received = self.received.lock().unwrap();
        let act = self.script.get(received.len()).or(self.script.last());
        received.push(request);
        act.expect("a script has an act").clone()
    }
}

/// Reads a request, or nothing where the client has closed the connection.
async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_length = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut request = Received {
        head: String::from_utf8(bytes[..head_length].to_vec()).unwrap(),
        body: String::new(),
    };
    let length: usize =
        request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_length + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(bytes[head_length..].to_vec()).unwrap();
    Some(request)
}
