//! A server before DynamoDB that fails as networks and DynamoDB itself do, and
//! the embedded one does not.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the front does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers itself, with a status and a body.
    Answer(u16, String),
    /// Passes the request on, and loses the answer.
    LoseAnswer,
}

/// Starts a front before `endpoint` that follows a script, and then passes on
/// what comes. Returns its address.
pub(crate) async fn start(endpoint: &str, script: impl IntoIterator<Item = Act>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let behind = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let script = Arc::new(Mutex::new(script.into_iter().collect::<Vec<_>>().into_iter()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let act = script.lock().expect("nobody panics with it").next();
            tokio::spawn(serve(stream, behind.clone(), act));
        }
    });
    url
}

/// Serves one request and closes the connection.
async fn serve(mut stream: TcpStream, behind: String, act: Option<Act>) {
    let request = request(&mut stream).await;
    let answer = match act {
        Some(Act::Answer(status, body)) => format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: application/x-amz-json-1.0\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
        Some(Act::LoseAnswer) => {
            pass_on(&behind, &request).await;
            return;
        }
        None => pass_on(&behind, &request).await,
    };
    stream.write_all(&answer).await.expect("the client waits");
}

/// Reads a request, and asks in its head for the connection's end.
async fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let (head, length) = loop {
        stream.read_buf(&mut request).await.expect("a request");
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        break (end, length.and_then(|length| length.parse::<usize>().ok()).unwrap_or_default());
    };
    while request.len() < head + 4 + length {
        stream.read_buf(&mut request).await.expect("a body");
    }
    request.splice(head..head, *b"\r\nconnection: close");
    request
}

async fn pass_on(behind: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(behind).await.expect("DynamoDB is there");
    stream.write_all(request).await.expect("it takes the request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    answer
}
