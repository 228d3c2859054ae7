//! The part of Lambda's Runtime API that a function needs which answers one request after
//! the other: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
//!
//! The time that this server takes is part of every figure, so it does little: `httparse`
//! on a tokio socket. Both are compiled in their own crates; hyper would be instantiated
//! here and take tens of microseconds more.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
/// Headers that a request may have.
const MAX_HEADERS: usize = 32;

#[derive(Debug)]
pub(super) enum Call {
    /// It requests an event: an [`invocation`], which is to be sent here.
    Next(oneshot::Sender<Vec<u8>>),
    /// It answers an event.
    Response {
        body: Vec<u8>,
        /// When the whole response had arrived.
        at: Instant,
    },
    /// It could not start, or could not answer.
    Error(Vec<u8>),
}

/// Wraps an event in an HTTP response, as Lambda does. This server does not enforce the
/// deadline, which is in milliseconds since 1970.
pub(super) fn invocation(number: usize, event: &str, deadline_ms: i64) -> Vec<u8> {
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
    (head + event).into_bytes()
}

/// The server for one function. It stops when it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    _server: JoinSet<()>,
}

impl RuntimeApi {
    /// Listens on a free port of this machine.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::unbounded_channel();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, sender));
        Ok(Self { address, calls, _server: server })
    }

    /// Returns the value for `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits for the next request of the function.
    pub(super) async fn call(&mut self) -> Call {
        // The server has a sender as long as `self` exists.
        self.calls.recv().await.expect("the server runs")
    }
}

/// Accepts several connections: a client may open a second one before it uses the first.
async fn accept(listener: TcpListener, calls: mpsc::UnboundedSender<Call>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let calls = calls.clone();
        // A function that ends closes its connections; the caller watches the process.
        connections.spawn(async move { serve(stream, &calls).await });
    }
}

async fn serve(mut stream: TcpStream, calls: &mpsc::UnboundedSender<Call>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(16 * 1024);
    loop {
        let (path, body) = match parse(&received)? {
            Some((path, body)) if received.len() >= body.end => (path, body),
            _ if stream.read_buf(&mut received).await? == 0 => return Ok(()),
            _ => continue,
        };
        let (at, ends) = (Instant::now(), body.end);
        let body = received[body].to_vec();
        received.drain(..ends);
        let action = path.strip_prefix(INVOCATION).and_then(|rest| rest.split('/').nth(1));
        let call = match (path.as_str(), action) {
            (NEXT, _) => {
                let (sender, invocation) = oneshot::channel();
                // The receiver is gone: there will be no further event.
                if calls.send(Call::Next(sender)).is_err() {
                    return Ok(());
                }
                let Ok(bytes) = invocation.await else { return Ok(()) };
                stream.write_all(&bytes).await?;
                continue;
            }
            (_, Some("response")) => Call::Response { body, at },
            (INIT_ERROR, _) | (_, Some("error")) => Call::Error(body),
            _ => return Err(io::Error::other("no such path")),
        };
        stream.write_all(ACCEPTED).await?;
        if calls.send(call).is_err() {
            return Ok(());
        }
    }
}

/// Reads the path of a request and the position of its body, once the head is complete.
fn parse(received: &[u8]) -> io::Result<Option<(String, Range<usize>)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(received).map_err(io::Error::other)?;
    let httparse::Status::Complete(body_starts) = parsed else { return Ok(None) };
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value))
    };
    if header("transfer-encoding").is_some() {
        return Err(io::Error::other("streamed responses are not supported"));
    }
    let length = match header("content-length") {
        None => 0,
        Some(length) => length.parse::<usize>().map_err(io::Error::other)?,
    };
    let path = request.path.unwrap_or_default().to_owned();
    Ok(Some((path, body_starts..body_starts + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_its_head_is_complete() {
        let text = "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..text.len() - 2 {
            assert!(parse(&text.as_bytes()[..cut]).unwrap().is_none(), "{cut} bytes");
        }
        let (path, body) = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[body], "{}");
        assert!(path.ends_with("/response"));
    }

    #[test]
    fn requests_that_cannot_be_measured_are_refused() {
        for text in [
            "POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST /x HTTP/1.1\r\ncontent-length: much\r\n\r\n",
            "\0\r\n\r\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
