//! Lambda's Runtime API, as far as one function that answers one request after
//! the other needs it:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
//!
//! What this server takes is in every figure, so it does as little as it can:
//! `httparse` on a socket of tokio's, both compiled in their own crates. hyper
//! would be instantiated here, for tens of microseconds more where this crate
//! is not optimized.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
/// The most headers that a request may have.
const MOST_HEADERS: usize = 32;

/// What a function says.
#[derive(Debug)]
pub(super) enum Call {
    /// It asks for an event, which goes where this leads.
    Next(oneshot::Sender<Invocation>),
    /// It has answered one.
    Response {
        /// Its answer.
        body: Vec<u8>,
        /// When all of it was here.
        at: Instant,
    },
    /// It could not start, or not answer.
    Error(Vec<u8>),
}

/// An event on its way to a function, ready to be sent.
#[derive(Debug)]
pub(super) struct Invocation(Vec<u8>);

impl Invocation {
    /// Wraps an event as Lambda does. The deadline, in milliseconds since 1970,
    /// is nobody's but the function's to keep.
    pub(super) fn new(number: usize, event: &str, deadline_ms: i64) -> Self {
        let length = event.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\n\
             content-type: application/json\r\n\
             lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{number:012x}\r\n\
             lambda-runtime-deadline-ms: {deadline_ms}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n\
             content-length: {length}\r\n\r\n"
        );
        Self((head + event).into_bytes())
    }
}

/// The server of one function. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    _server: JoinSet<()>,
}

impl RuntimeApi {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::unbounded_channel();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, sender));
        Ok(Self { address, calls, _server: server })
    }

    /// Returns what `AWS_LAMBDA_RUNTIME_API` is to be.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits for what the function says next.
    pub(super) async fn call(&mut self) -> Call {
        // The server has a sender for as long as this is there.
        self.calls.recv().await.expect("the server runs")
    }
}

/// A client may open a second connection while it is not sure of the first.
async fn accept(listener: TcpListener, calls: mpsc::UnboundedSender<Call>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let calls = calls.clone();
        connections.spawn(async move {
            // A function that ends closes its connections, and that is noticed elsewhere.
            let _ = Connection::new(stream)?.serve(&calls).await;
            io::Result::Ok(())
        });
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A request: where it ends in what was received, and what it is.
struct Head {
    path: String,
    body_starts: usize,
    ends: usize,
}

impl Connection {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(16 * 1024) })
    }

    async fn serve(mut self, calls: &mpsc::UnboundedSender<Call>) -> io::Result<()> {
        while let Some(head) = self.head().await? {
            let body = self.received[head.body_starts..head.ends].to_vec();
            let at = Instant::now();
            self.received.drain(..head.ends);
            let is_of_invocation =
                |what| head.path.strip_prefix(INVOCATION).is_some_and(|rest| rest.ends_with(what));
            if head.path == NEXT {
                let (sender, invocation) = oneshot::channel();
                // Nobody listens any more: there will be no event.
                if calls.send(Call::Next(sender)).is_err() {
                    return Ok(());
                }
                let Ok(Invocation(bytes)) = invocation.await else { return Ok(()) };
                self.stream.write_all(&bytes).await?;
                continue;
            }
            let call = if is_of_invocation("/response") {
                Call::Response { body, at }
            } else if is_of_invocation("/error") || head.path == INIT_ERROR {
                Call::Error(body)
            } else {
                self.stream.write_all(NOT_FOUND).await?;
                continue;
            };
            self.stream.write_all(ACCEPTED).await?;
            if calls.send(call).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Receives a whole request; `None` if the connection ends before one begins.
    async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(head) = parse(&self.received)? {
                while self.received.len() < head.ends {
                    if self.stream.read_buf(&mut self.received).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                return Ok(Some(head));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Reads the head of a request, if all of it is there.
fn parse(received: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(received).map_err(io::Error::other)?;
    let httparse::Status::Complete(body_starts) = parsed else { return Ok(None) };
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value))
    };
    if header("transfer-encoding").is_some() {
        return Err(io::Error::other("a function that streams its answer is not measured"));
    }
    let length = match header("content-length") {
        None => 0,
        Some(length) => length.parse::<usize>().map_err(io::Error::other)?,
    };
    let path = request.path.unwrap_or_default().to_owned();
    Ok(Some(Head { path, body_starts, ends: body_starts + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_its_head_is_whole() {
        let text = "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..text.len() - 2 {
            assert!(parse(&text.as_bytes()[..cut]).unwrap().is_none(), "{cut} bytes");
        }
        let head = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[head.body_starts..head.ends], "{}");
        assert!(head.path.ends_with("/response"));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for text in [
            "POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST /x HTTP/1.1\r\ncontent-length: much\r\n\r\n",
            "\0\r\n\r\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
