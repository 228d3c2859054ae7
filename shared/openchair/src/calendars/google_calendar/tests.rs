//! The Google client with a server that fails in every way.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use testing::misbehaving_server::{Act, MisbehavingServer, answer, response};

/// The private key of the fake Google's service account, which protects nothing.
const TEST_KEY: &str = include_str!("../../../../../dev/stand-ins/src/fake_google/test_key.pem");

const TOKEN: &str = r#"{"access_token": "hidden-1", "token_type": "Bearer", "expires_in": 3599}"#;
const OTHER_TOKEN: &str =
    r#"{"access_token": "hidden-2", "token_type": "Bearer", "expires_in": 3599}"#;
const BUSY: &str = r#"{"kind": "calendar#freeBusy", "calendars": {"owner@salon.example": {"busy": [
    {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"}]}}}"#;
const LIMITED: &str = r#"{"error": {"code": 403, "message": "Slow down, hidden.",
    "errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded"}]}}"#;
const OWNER: &[&str] = &["owner@salon.example"];

/// Much longer than any of these tests takes, so that a slow machine fails none.
const TEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A key file in Google's format.
pub(in crate::calendars) fn key_file(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "salon",
        "private_key_id": "key-1",
        "private_key": TEST_KEY,
        "client_email": "salon@test.example",
        "token_uri": token_uri,
    })
}

fn google(server: &MisbehavingServer) -> GoogleCalendars {
    let file = key_file(&format!("{}/token", server.base()));
    let account = ServiceAccount::parse(&file.to_string().into()).unwrap();
    let base = server.base().parse().unwrap();
    GoogleCalendars::new(HttpsClient::new(), account, None, base, GoogleScope::FreeBusy)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Interval<Timestamp> {
    Interval::new(at("2026-11-24T00:00:00Z"), at("2027-01-05T00:00:00Z")).unwrap()
}

async fn busy_times(google: &GoogleCalendars) -> Result<IntervalSet<Timestamp>, CalendarError> {
    google.busy_times(OWNER, window(), Instant::now() + TEST_TIMEOUT).await
}

/// Reads busy times from a server that follows a script. Returns the outcome and
/// the requested paths.
async fn run_script(
    script: &[Act],
) -> (Result<IntervalSet<Timestamp>, CalendarError>, Vec<&'static str>) {
    let server = MisbehavingServer::start(script).await;
    let outcome = busy_times(&google(&server)).await;
    if let Err(error) = &outcome {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hidden") && !shown.contains("owner@"), "{shown}");
    }
    (outcome, paths(&server))
}

fn paths(server: &MisbehavingServer) -> Vec<&'static str> {
    let path = |line: &str| match line {
        "POST /token HTTP/1.1" => "token",
        "POST /calendar/v3/freeBusy HTTP/1.1" => "freeBusy",
        other => panic!("unexpected request: {other}"),
    };
    server.received().iter().map(|request| path(request.line())).collect()
}

#[tokio::test]
async fn a_query_contains_token_window_and_calendars() {
    let server = MisbehavingServer::start(&[answer(200, &[], TOKEN), answer(200, &[], BUSY)]).await;
    let busy = busy_times(&google(&server)).await.unwrap();
    let expected = Interval::new(at("2026-11-24T10:00:00Z"), at("2026-11-24T11:00:00Z")).unwrap();
    assert_eq!(busy.as_slice(), [expected]);

    let [token, query] = &server.received()[..] else {
        panic!("two requests are enough: {:?}", paths(&server));
    };
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    assert!(token.body.starts_with(grant), "{}", token.body);
    assert_eq!(query.header("authorization"), Some("Bearer hidden-1"));
    let sent: Value = serde_json::from_str(&query.body).unwrap();
    let expected = json!({
        "timeMin": "2026-11-24T00:00:00Z", "timeMax": "2027-01-05T00:00:00Z",
        "calendarExpansionMax": 50, "items": [{"id": "owner@salon.example"}],
    });
    assert_eq!(sent, expected);
    assert_eq!(server.connections(), 1, "connections that the server accepted");
}

#[tokio::test]
async fn busy_times_are_merged_and_cut_to_the_window() {
    let busy = r#"{"calendars": {
        "a": {"busy": [{"start": "2026-11-23T22:00:00Z", "end": "2026-11-24T01:00:00Z"},
                       {"start": "2026-12-01T10:00:00-08:00", "end": "2026-12-01T11:00:00-08:00"}]},
        "b": {"busy": [{"start": "2026-12-01T18:30:00Z", "end": "2026-12-01T20:00:00Z"},
                       {"start": "2027-02-01T10:00:00Z", "end": "2027-02-01T11:00:00Z"}]}}}"#;
    let server = MisbehavingServer::start(&[answer(200, &[], TOKEN), answer(200, &[], busy)]).await;
    let google = google(&server);
    let busy =
        google.busy_times(&["a", "b"], window(), Instant::now() + TEST_TIMEOUT).await.unwrap();
    let expected = [
        Interval::new(at("2026-11-24T00:00:00Z"), at("2026-11-24T01:00:00Z")).unwrap(),
        Interval::new(at("2026-12-01T18:00:00Z"), at("2026-12-01T20:00:00Z")).unwrap(),
    ];
    assert_eq!(busy.as_slice(), expected);
}

#[tokio::test]
async fn more_than_fifty_calendars_need_several_requests() {
    let ids: Vec<String> = (0..60).map(|number| format!("c{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let busy: serde_json::Map<_, _> =
        ids[..59].iter().map(|&id| (id.to_owned(), json!({"busy": []}))).collect();
    let busy = json!({"calendars": busy}).to_string();
    let server =
        MisbehavingServer::start(&[answer(200, &[], TOKEN), answer(200, &[], &busy)]).await;
    let google = google(&server);
    let deadline = Instant::now() + TEST_TIMEOUT;
    assert!(google.busy_times(&ids[..59], window(), deadline).await.unwrap().is_empty());
    assert_eq!(paths(&server), ["token", "freeBusy", "freeBusy"]);
    let error = google.busy_times(&ids, window(), deadline).await.unwrap_err();
    assert!(error.to_string().contains("calendar 60 of the request"), "{error}");
    assert!(google.busy_times(&[], window(), deadline).await.unwrap().is_empty());
    assert_eq!(server.received().len(), 5, "no request without calendars");
}

#[tokio::test]
async fn a_rejected_service_account_is_reported_with_googles_error_code() {
    for status in [400, 401, 403] {
        let body = r#"{"error": "invalid_grant", "error_description": "Not a valid hidden."}"#;
        let (outcome, requests) = run_script(&[answer(status, &[], body)]).await;
        let message = outcome.unwrap_err().to_string();
        assert_eq!(message, "Google does not accept the service account: invalid_grant");
        assert_eq!(requests, ["token"]);
    }
}

#[tokio::test]
async fn an_invalid_token_is_unreadable() {
    let bodies = [
        "<h1>hidden</h1>",
        r#"{"access_token": "hidden", "token_type": "Bearer"}"#,
        r#"{"access_token": "hidden", "token_type": "mac", "expires_in": 3599}"#,
        r#"{"access_token": "hid\nden", "token_type": "Bearer", "expires_in": 3599}"#,
        r#"{"access_token": "", "token_type": "Bearer", "expires_in": 3599}"#,
        r#"{"access_token": "hidden", "token_type": "Bearer", "expires_in": 9223372036854775807}"#,
    ];
    for body in bodies {
        let (outcome, _) = run_script(&[answer(200, &[], body)]).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, CalendarError::Unreadable { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_response_with_a_failed_or_missing_calendar_is_an_error() {
    let cases = [
        (
            r#"{"calendars": {"owner@salon.example": {"errors": [{"reason": "notFound"}], "busy": []}}}"#,
            "the calendar's response cannot be read: calendar 1 of the request: notFound",
        ),
        (
            r#"{"calendars": {"Owner@salon.example": {"busy": []}}}"#,
            "the calendar's response cannot be read: calendar 1 of the request: it is missing from the response",
        ),
        (
            &BUSY[..60],
            "the calendar's response cannot be read: not a freeBusy response, at line 1 column 60",
        ),
    ];
    for (body, expected) in cases {
        let (outcome, _) = run_script(&[answer(200, &[], TOKEN), answer(200, &[], body)]).await;
        assert_eq!(outcome.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_transient_failure_is_retried() {
    let failures = [
        answer(403, &[], LIMITED),
        answer(429, &[("Retry-After", "0")], "{}"),
        answer(500, &[], "<h1>Server Error</h1>"),
        answer(503, &[], "{}"),
        Act::Cut(String::new()),
        Act::Cut(response(200, &[], 500, BUSY)),
    ];
    for failure in failures {
        let script = [answer(200, &[], TOKEN), failure.clone(), answer(200, &[], BUSY)];
        let (outcome, requests) = run_script(&script).await;
        assert!(outcome.is_ok(), "after {failure:?}: {outcome:?}");
        assert_eq!(requests, ["token", "freeBusy", "freeBusy"], "after {failure:?}");

        let script = [failure.clone(), answer(200, &[], TOKEN), answer(200, &[], BUSY)];
        let server = MisbehavingServer::start(&script).await;
        assert!(busy_times(&google(&server)).await.is_ok(), "a token after {failure:?}");
    }
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let disabled = r#"{"error": {"errors": [{"reason": "accessNotConfigured"}]}}"#;
    let cases = [
        (answer(403, &[], disabled), "the calendar answered with status 403, accessNotConfigured"),
        (answer(404, &[], ""), "the calendar answered with status 404"),
        (
            answer(204, &[], ""),
            "the calendar's response cannot be read: not a freeBusy response, at line 1 column 0",
        ),
        (
            answer(302, &[("Location", "/token")], ""),
            "the calendar's response cannot be read: Google does not document status 302",
        ),
    ];
    for (failure, expected) in cases {
        let (outcome, requests) = run_script(&[answer(200, &[], TOKEN), failure]).await;
        assert_eq!(outcome.unwrap_err().to_string(), expected);
        assert_eq!(requests, ["token", "freeBusy"]);
    }
}

#[tokio::test]
async fn a_lasting_rate_limit_is_returned_with_its_retry_after() {
    let (outcome, requests) =
        run_script(&[answer(200, &[], TOKEN), answer(403, &[], LIMITED)]).await;
    let message = outcome.unwrap_err().to_string();
    assert_eq!(message, "the calendar answered with status 403, rateLimitExceeded");
    assert_eq!(requests.len(), 1 + 4, "a token and four attempts");

    let busy = answer(429, &[("Retry-After", "60")], "{}");
    let (outcome, requests) = run_script(&[answer(200, &[], TOKEN), busy]).await;
    assert_eq!(outcome.unwrap_err().retry_after(), Some(Duration::from_mins(1)));
    assert_eq!(requests.len(), 2, "a wait beyond the deadline is not begun");
}

#[tokio::test]
async fn the_deadline_ends_requests_when_the_server_hangs() {
    let scripts = [
        vec![Act::Stall(String::new())],
        vec![answer(200, &[], TOKEN), Act::Stall(String::new())],
        vec![answer(200, &[], TOKEN), Act::Stall(response(200, &[], 500, BUSY))],
    ];
    for script in scripts {
        let server = MisbehavingServer::start(&script).await;
        let started = Instant::now();
        let deadline = started + Duration::from_millis(150);
        let error = google(&server).busy_times(OWNER, window(), deadline).await.unwrap_err();
        assert!(matches!(error, CalendarError::Timeout { .. }), "{error:?}");
        assert!(started.elapsed() < TEST_TIMEOUT);
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    let rejected = answer(401, &[], r#"{"error": {"errors": [{"reason": "authError"}]}}"#);
    let script = [
        answer(200, &[], TOKEN),
        rejected.clone(),
        answer(200, &[], OTHER_TOKEN),
        answer(200, &[], BUSY),
    ];
    let server = MisbehavingServer::start(&script).await;
    let google = google(&server);
    assert!(busy_times(&google).await.is_ok());
    assert_eq!(paths(&server), ["token", "freeBusy", "token", "freeBusy"]);
    assert_eq!(server.received()[3].header("authorization"), Some("Bearer hidden-2"));
    assert!(busy_times(&google).await.is_ok());
    assert_eq!(server.received().len(), 5, "the renewed token is kept");

    let script =
        [answer(200, &[], TOKEN), rejected.clone(), answer(200, &[], OTHER_TOKEN), rejected];
    let (outcome, requests) = run_script(&script).await;
    let message = outcome.unwrap_err().to_string();
    assert_eq!(message, "Google does not accept the service account: authError");
    assert_eq!(requests, ["token", "freeBusy", "token", "freeBusy"]);
}

#[tokio::test]
async fn ten_concurrent_queries_share_one_token() {
    let server = MisbehavingServer::start(&[answer(200, &[], TOKEN), answer(200, &[], BUSY)]).await;
    let google = google(&server);
    let outcomes = join_all((0..10).map(|_| busy_times(&google))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let requests = paths(&server);
    assert_eq!(requests.iter().filter(|&&path| path == "token").count(), 1);
    assert_eq!(requests.len(), 11);
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_it_expires() {
    let script = [
        answer(200, &[], TOKEN),
        answer(200, &[], BUSY),
        answer(200, &[], BUSY),
        answer(200, &[], OTHER_TOKEN),
        answer(200, &[], BUSY),
    ];
    let server = MisbehavingServer::start(&script).await;
    let clock = Clock::manual(at("2026-11-24T00:00:00Z"));
    let google = google(&server).with_clock(clock.clone());
    busy_times(&google).await.unwrap();
    clock.advance(SignedDuration::from_secs(3_599 - 301));
    busy_times(&google).await.unwrap();
    clock.advance(SignedDuration::from_secs(1));
    busy_times(&google).await.unwrap();
    assert_eq!(paths(&server), ["token", "freeBusy", "freeBusy", "token", "freeBusy"]);
}

#[tokio::test]
async fn a_query_can_be_sent_between_threads() {
    fn require_send<T: Send>(work: T) -> T {
        work
    }
    let server = MisbehavingServer::start(&[answer(200, &[], TOKEN), answer(200, &[], BUSY)]).await;
    let google = google(&server);
    assert!(require_send(busy_times(&google)).await.is_ok());
    assert!(!format!("{google:?}").contains("hidden"));
}
