//! The client of Google Calendar against the fake Google over a socket.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs to go on is there, or the test has failed"
)]

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openchair::calendars::{
    CalendarError, CalendarWriter as _, GoogleCalendars, GoogleEvent, GoogleScope, ServiceAccount,
};
use openchair::clock::Clock;
use openchair::https::HttpsClient;
use salon::booking::BookingId;
use salon::interval::{Interval, IntervalSet};
use stand_ins::fake_google::{CalendarFault, FakeGoogle, Fault, GoogleOptions, Serving};
use tokio::net::TcpListener;
use tokio::time::Instant;

const OWNER: &str = "owner@group.calendar.example";
const PRIVATE: &str = "private@group.calendar.example";

async fn serving(options: GoogleOptions) -> Serving {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    FakeGoogle::start(options, listener).unwrap()
}

fn calendars(serving: &Serving, subject: Option<&str>) -> GoogleCalendars {
    let account = ServiceAccount::parse(&serving.service_account().to_string().into()).unwrap();
    let base = serving.url().parse().unwrap();
    GoogleCalendars::new(
        HttpsClient::new(),
        account,
        subject.map(str::to_owned),
        base,
        GoogleScope::FreeBusy,
    )
}

fn interval(start: &str, end: &str) -> Interval<Timestamp> {
    Interval::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

async fn ask(
    calendars: &GoogleCalendars,
    ids: &[&str],
) -> Result<IntervalSet<Timestamp>, CalendarError> {
    let window = interval("2026-11-24T08:00:00Z", "2027-01-05T08:00:00Z");
    calendars.busy_times(ids, window, Instant::now() + Duration::from_secs(10)).await
}

fn count(serving: &Serving, route: &str) -> usize {
    serving.google().requests().get(route).copied().unwrap_or_default()
}

#[tokio::test]
async fn busy_times_of_several_calendars_are_merged() {
    let serving = serving(GoogleOptions::default()).await;
    serving.google().set_busy(OWNER, [interval("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z")]);
    serving.google().set_busy(
        PRIVATE,
        [
            interval("2026-11-24T18:30:00Z", "2026-11-24T20:00:00Z"),
            interval("2027-03-01T18:00:00Z", "2027-03-01T19:00:00Z"),
        ],
    );
    let calendars = calendars(&serving, None);
    let busy = ask(&calendars, &[OWNER, PRIVATE]).await.unwrap();
    assert_eq!(busy.as_slice(), [interval("2026-11-24T18:00:00Z", "2026-11-24T20:00:00Z")]);

    serving.google().set_busy(OWNER, []);
    assert!(ask(&calendars, &[OWNER]).await.unwrap().is_empty());
    assert_eq!(count(&serving, "POST /token"), 1);
    assert_eq!(count(&serving, "POST /calendar/v3/freeBusy"), 2);
}

#[tokio::test]
async fn a_year_is_read_in_spans_that_google_accepts() {
    let serving = serving(GoogleOptions::default()).await;
    let across = interval("2027-01-01T00:00:00Z", "2027-11-01T00:00:00Z");
    serving.google().set_busy(OWNER, [across]);
    let window = interval("2026-11-24T08:00:00Z", "2027-11-24T08:00:00Z");
    let deadline = Instant::now() + Duration::from_secs(10);
    let busy = calendars(&serving, None).busy_times(&[OWNER], window, deadline).await.unwrap();
    assert_eq!(busy.as_slice(), [across]);
}

#[tokio::test]
async fn a_calendar_that_fails_inside_a_200_is_a_failure() {
    let serving = serving(GoogleOptions::default()).await;
    serving.google().set_busy(OWNER, []);
    serving.google().set_busy(PRIVATE, []);
    let calendars = calendars(&serving, None);
    let cases = [
        (CalendarFault::NotFound, "notFound"),
        (CalendarFault::InternalError, "internalError"),
        (CalendarFault::Missing, "it is missing from the response"),
    ];
    for (fault, what) in cases {
        serving.google().fail_calendar(PRIVATE, Some(fault));
        let error = ask(&calendars, &[OWNER, PRIVATE]).await.unwrap_err();
        let expected =
            format!("the calendar's response cannot be read: calendar 2 of the request: {what}");
        assert_eq!(error.to_string(), expected);
    }
    serving.google().fail_calendar(PRIVATE, None);
    assert!(ask(&calendars, &[OWNER, PRIVATE]).await.is_ok());
    assert!(ask(&calendars, &["unknown@group.calendar.example"]).await.is_err());
}

#[tokio::test]
async fn transient_errors_are_retried() {
    let serving = serving(GoogleOptions::default()).await;
    serving.google().set_busy(OWNER, []);
    let calendars = calendars(&serving, None);
    serving.google().fail_with([Fault::RateLimitExceeded, Fault::TooManyRequests, Fault::Internal]);
    assert!(ask(&calendars, &[OWNER]).await.is_ok());
    assert_eq!(count(&serving, "POST /calendar/v3/freeBusy"), 4);

    serving.google().revoke_tokens();
    assert!(ask(&calendars, &[OWNER]).await.is_ok());
    assert_eq!(count(&serving, "POST /token"), 2);
}

#[tokio::test]
async fn a_slow_request_fails_at_the_deadline() {
    let serving = serving(GoogleOptions::default()).await;
    serving.google().set_busy(OWNER, []);
    serving.google().fail_with([Fault::Slow(Duration::from_mins(1))]);
    let window = interval("2026-11-24T08:00:00Z", "2027-01-05T08:00:00Z");
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = calendars(&serving, None).busy_times(&[OWNER], window, deadline).await.unwrap_err();
    assert!(matches!(error, CalendarError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_acts_only_for_its_subject() {
    let owner = "owner@salon.example";
    let options = GoogleOptions { subject: Some(owner.to_owned()), ..GoogleOptions::default() };
    let serving = serving(options).await;
    serving.google().set_busy(OWNER, []);
    assert!(ask(&calendars(&serving, Some(owner)), &[OWNER]).await.is_ok());
    let error = ask(&calendars(&serving, Some("boss@salon.example")), &[OWNER]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Google does not accept the service account: unauthorized_client"
    );
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let clock = Clock::manual("2026-11-24T08:00:00Z".parse().unwrap());
    let options = GoogleOptions { clock: clock.clone(), ..GoogleOptions::default() };
    let serving = serving(options).await;
    serving.google().set_busy(OWNER, []);
    let calendars = calendars(&serving, None).with_clock(clock.clone());
    for _ in 0..13 {
        assert!(ask(&calendars, &[OWNER]).await.is_ok());
        clock.advance(SignedDuration::from_mins(10));
    }
    // Each token is used for 55 minutes, so two hours need three.
    assert_eq!(count(&serving, "POST /token"), 3);
    assert_eq!(count(&serving, "POST /calendar/v3/freeBusy"), 13, "no token was refused");
}

#[tokio::test]
async fn an_event_is_created_and_deleted_once_and_never_busy() {
    let serving = serving(GoogleOptions::default()).await;
    serving.google().set_busy(OWNER, []);
    let account = ServiceAccount::parse(&serving.service_account().to_string().into()).unwrap();
    let base = serving.url().parse().unwrap();
    let writing =
        GoogleCalendars::new(HttpsClient::new(), account, None, base, GoogleScope::Events);
    let event = GoogleEvent {
        id: BookingId::from_bits(7),
        time: interval("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"),
        summary: "Haircut".to_owned(),
        description: String::new(),
        location: None,
        url: "https://salon.example/booking".to_owned(),
    };
    let in_ten_seconds = || Instant::now() + Duration::from_secs(10);
    writing.delete(OWNER, &event.id, in_ten_seconds()).await.expect("404 is fine");
    for _ in 0..2 {
        writing.insert(OWNER, &event, in_ten_seconds()).await.expect("409 is fine");
    }
    assert_eq!(serving.google().events(OWNER).len(), 1);
    let busy = ask(&calendars(&serving, None), &[OWNER]).await.unwrap();
    assert!(busy.as_slice().is_empty(), "{busy:?}");
    for _ in 0..2 {
        writing.delete(OWNER, &event.id, in_ten_seconds()).await.expect("410 is fine");
    }
    writing.insert(OWNER, &event, in_ten_seconds()).await.expect("409 is fine");
    assert!(serving.google().events(OWNER)[0].is_deleted(), "a deleted one stays so");

    let reading = calendars(&serving, None).insert(OWNER, &event, in_ten_seconds()).await;
    assert!(matches!(reading, Err(CalendarError::Refused { status: 403, .. })), "{reading:?}");
}
