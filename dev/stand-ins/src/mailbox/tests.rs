use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use tower::ServiceExt;

use super::*;

const MAIL: &str = "From: Salon <mail@salon.example>\r\n\
    To: <ada@example.com>\r\n\
    Message-ID: <1.confirmed.visitor@salon.example>\r\n\
    Subject: <b>Ada</b> & Co\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    \r\n\
    <p>See you, <script>alert(1)</script></p>\r\n";

/// A temporary folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("openchair-mailbox-{test}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn answer(mailbox: &Mailbox, request: Request<Body>) -> (StatusCode, String, String) {
    let response = mailbox.router().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let kind = head.headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

async fn send(mailbox: &Mailbox, to: &[&str], data: &str) -> (StatusCode, String) {
    let body = json!({
        "Destination": {"ToAddresses": to},
        "Content": {"Raw": {"Data": data}},
    });
    let request = Request::post("/v2/email/outbound-emails")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, _, body) = answer(mailbox, request).await;
    (status, body)
}

async fn page(mailbox: &Mailbox, path: &str) -> (StatusCode, String, String) {
    answer(mailbox, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_mail_is_listed_and_shown_and_its_html_is_escaped() {
    let mailbox = Mailbox::default();
    assert!(page(&mailbox, "/").await.2.contains("No mail yet"));
    let sent = send(&mailbox, &["ada@example.com"], &BASE64_STANDARD.encode(MAIL)).await;
    assert_eq!(sent, (StatusCode::OK, r#"{"MessageId":"local-00001"}"#.to_owned()));

    for path in ["/", "/mails/1"] {
        let (status, _, page) = page(&mailbox, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(page.contains("&lt;b&gt;Ada&lt;/b&gt; &amp; Co"), "{path}: {page}");
        assert!(page.contains("ada@example.com"), "{path}: {page}");
        assert!(!page.contains("<b>") && !page.contains("<script>"), "{path}: {page}");
    }
    let shown = page(&mailbox, "/mails/1").await.2;
    let frame = r#"<iframe src="/mails/1/html" title="The mail" sandbox="allow-popups">"#;
    assert!(shown.contains(frame), "scripts should not run: {shown}");
    let (_, kind, raw) = page(&mailbox, "/mails/1/raw").await;
    assert_eq!((kind.as_str(), raw.as_str()), ("text/plain; charset=utf-8", MAIL));
    assert_eq!(page(&mailbox, "/mails/2").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn mails_are_stored_unchanged_and_loaded_again() {
    let folder = Folder::new("kept");
    let mailbox = Mailbox::in_folder(folder.0.clone()).unwrap();
    for _ in 0..2 {
        let sent = send(&mailbox, &["ada@example.com"], &BASE64_STANDARD.encode(MAIL)).await;
        assert_eq!(sent.0, StatusCode::OK);
    }
    for file in ["00001.eml", "00002.eml"] {
        assert_eq!(std::fs::read_to_string(folder.0.join(file)).unwrap(), MAIL, "{file}");
    }

    let again = Mailbox::in_folder(folder.0.clone()).unwrap();
    assert_eq!(again.received(), mailbox.received());
    let sent = send(&again, &["ada@example.com"], &BASE64_STANDARD.encode(MAIL)).await;
    assert_eq!(sent.1, r#"{"MessageId":"local-00003"}"#, "no mail should be overwritten");
}

#[tokio::test]
async fn a_refused_mail_is_not_stored() {
    let mailbox = Mailbox::default();
    let mail = BASE64_STANDARD.encode(MAIL);
    for (to, data) in
        [(&[][..], &*mail), (&["a@b.example", "c@d.example"], &mail), (&["a@b.example"], "?")]
    {
        assert_eq!(send(&mailbox, to, data).await.0, StatusCode::BAD_REQUEST, "{to:?}, {data}");
    }
    mailbox.set_down(true);
    let sent = send(&mailbox, &["a@b.example"], &mail).await;
    assert_eq!(sent.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(mailbox.received(), []);
}
