//! A feed from a server that fails in every way.

use std::time::Duration;

use super::*;
use testing::misbehaving_server::{Act, MisbehavingServer, answer, response};

const ICS: &str = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";

/// Much longer than any of these tests takes, so that a slow machine fails none.
const TEST_TIMEOUT: Duration = Duration::from_secs(5);

fn feed(server: &MisbehavingServer) -> Feed {
    Feed::new(&format!("{}/hidden/owner.ics?key=hidden", server.base()).into()).unwrap()
}

async fn fetch(
    server: &MisbehavingServer,
    validators: Option<&Validators>,
) -> Result<Fetched, CalendarError> {
    feed(server).fetch(&HttpsClient::new(), validators, Instant::now() + TEST_TIMEOUT).await
}

fn redirect(to: &str) -> Act {
    answer(302, &[("Location", to)], "")
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again() {
    let headers = [("ETag", "W/\"1\""), ("Last-Modified", "Mon, 23 Nov 2026 10:00:00 GMT")];
    let script = [
        answer(200, &headers, ICS),
        Act::Write("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned()),
        answer(200, &[("ETag", "\"2\"")], ICS),
    ];
    let server = MisbehavingServer::start(&script).await;
    let client = HttpsClient::new();
    let feed = feed(&server);
    let deadline = Instant::now() + TEST_TIMEOUT;

    let first = feed.fetch(&client, None, deadline).await.unwrap();
    let Fetched::New { body, validators } = first else {
        panic!("the first response has a body: {first:?}")
    };
    assert_eq!(body, ICS);
    let stored = serde_json::to_string(&validators).unwrap();
    let validators: Validators = serde_json::from_str(&stored).unwrap();

    let second = feed.fetch(&client, Some(&validators), deadline).await.unwrap();
    assert_eq!(second, Fetched::NotModified);
    let third = feed.fetch(&client, Some(&validators), deadline).await.unwrap();
    let Fetched::New { validators: changed, .. } = third else {
        panic!("a changed feed has a body: {third:?}")
    };
    assert_ne!(changed, validators);

    let received = server.received();
    assert_eq!(received[0].line(), "GET /hidden/owner.ics?key=hidden HTTP/1.1");
    assert_eq!(received[0].header("if-none-match"), None);
    assert_eq!(received[0].header("accept-encoding"), Some("identity"));
    assert_eq!(received[1].header("if-none-match"), Some("W/\"1\""));
    assert_eq!(received[1].header("if-modified-since"), Some("Mon, 23 Nov 2026 10:00:00 GMT"));
    assert_eq!(server.connections(), 1, "connections that the server accepted");
}

#[tokio::test]
async fn validators_of_another_feed_are_not_sent() {
    let script = [answer(200, &[("ETag", "\"1\"")], ICS)];
    let (old, new) =
        (MisbehavingServer::start(&script).await, MisbehavingServer::start(&script).await);
    let Fetched::New { validators, .. } = fetch(&old, None).await.unwrap() else {
        panic!("the first response has a body");
    };
    fetch(&new, Some(&validators)).await.unwrap();
    assert_eq!(new.received()[0].header("if-none-match"), None);
}

#[tokio::test]
async fn an_unexpected_304_is_unreadable() {
    let script = [Act::Write("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned())];
    let server = MisbehavingServer::start(&script).await;
    let error = fetch(&server, Some(&Validators::default())).await.unwrap_err();
    assert!(matches!(error, CalendarError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_are_followed_with_the_same_headers() {
    let script = [redirect("/moved"), redirect("again.ics"), answer(200, &[], ICS)];
    let server = MisbehavingServer::start(&script).await;
    let known = Validators {
        feed: feed(&server).fingerprint().to_owned(),
        etag: Some("\"1\"".to_owned()),
        last_modified: None,
    };
    assert!(fetch(&server, Some(&known)).await.is_ok());
    let received = server.received();
    assert_eq!(received[2].line(), "GET /again.ics HTTP/1.1");
    assert!(received.iter().all(|request| request.header("if-none-match") == Some("\"1\"")));
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let server = MisbehavingServer::start(&[redirect("/loop")]).await;
    let error = fetch(&server, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the calendar's response cannot be read: it has more than 5 redirects"
    );
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn an_invalid_or_unencrypted_redirect_is_not_followed() {
    let cases = [
        redirect("http://calendar.example/hidden.ics"),
        redirect("ftp://calendar.example/hidden.ics"),
        redirect("https://me:hidden@calendar.example/"),
        answer(301, &[], ""),
    ];
    for case in cases {
        let server = MisbehavingServer::start(std::slice::from_ref(&case)).await;
        let error = fetch(&server, None).await.unwrap_err();
        assert!(matches!(error, CalendarError::Unreadable { .. }), "{case:?}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_retry_after() {
    for status in [401, 403, 404, 410, 429, 500, 503] {
        let server =
            MisbehavingServer::start(&[answer(status, &[("Retry-After", "7")], "<h1>No</h1>")])
                .await;
        let error = fetch(&server, None).await.unwrap_err();
        let CalendarError::Refused { status: actual, retry_after, .. } = error else {
            panic!("a {status} is a refusal: {error:?}");
        };
        assert_eq!((actual, retry_after), (status, Some(Duration::from_secs(7))));
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_page_with_status_200_is_left_to_the_feed_parser() {
    let page = "<!doctype html><title>Please log in</title>";
    let html = answer(200, &[("Content-Type", "text/html")], page);
    let server = MisbehavingServer::start(&[html]).await;
    let fetched = fetch(&server, None).await.unwrap();
    assert!(matches!(fetched, Fetched::New { body, .. } if body == page));
}

#[tokio::test]
async fn an_unexpected_status_or_encoding_is_unreadable() {
    let cases = [
        answer(204, &[], ""),
        answer(206, &[], ICS),
        answer(300, &[], ""),
        answer(200, &[("Content-Encoding", "gzip")], "\u{1f}"),
    ];
    for case in cases {
        let server = MisbehavingServer::start(std::slice::from_ref(&case)).await;
        let error = fetch(&server, None).await.unwrap_err();
        assert!(matches!(error, CalendarError::Unreadable { .. }), "{case:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_feed_that_is_too_large_is_rejected() {
    // A length that is too large is rejected without reading: this server never sends
    // the body.
    let declared = Act::Stall(response(200, &[], MAX_FEED + 1, ""));
    let chunk = format!("{:x}\r\n{}\r\n", MAX_FEED + 1, "x".repeat(MAX_FEED + 1));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let undeclared = Act::Write(format!("{head}{chunk}0\r\n\r\n"));
    for act in [declared, undeclared] {
        let server = MisbehavingServer::start(&[act]).await;
        let error = fetch(&server, None).await.unwrap_err();
        assert!(matches!(error, CalendarError::TooLarge { limit: MAX_FEED }), "{error:?}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_retried_once() {
    for cut in [Act::Cut(String::new()), Act::Cut(response(200, &[], 500, ICS))] {
        let server = MisbehavingServer::start(&[cut.clone(), answer(200, &[], ICS)]).await;
        assert!(fetch(&server, None).await.is_ok(), "after {cut:?}");
        let server = MisbehavingServer::start(&[cut]).await;
        let error = fetch(&server, None).await.unwrap_err();
        assert!(matches!(error, CalendarError::Unreachable(_)), "{error:?}");
        assert_eq!(server.received().len(), 2);
    }
}

#[tokio::test]
async fn the_deadline_ends_a_feed_that_hangs() {
    let stalls = [Act::Stall(String::new()), Act::Stall(response(200, &[], 100, "BEGIN"))];
    for stall in stalls {
        let server = MisbehavingServer::start(&[redirect("/next"), stall]).await;
        let started = Instant::now();
        let deadline = started + Duration::from_millis(150);
        let error = feed(&server).fetch(&HttpsClient::new(), None, deadline).await.unwrap_err();
        assert!(matches!(error, CalendarError::Timeout { .. }), "{error:?}");
        assert!(started.elapsed() < TEST_TIMEOUT);
    }
}

#[tokio::test]
async fn the_address_and_content_of_a_feed_are_not_printed() {
    let server = MisbehavingServer::start(&[answer(200, &[], "hidden")]).await;
    let feed = feed(&server);
    let fetched = fetch(&server, None).await.unwrap();
    let shown = format!("{feed:?} {fetched:?}");
    assert!(!shown.contains("hidden") && !shown.contains("127.0.0.1"), "{shown}");
}
