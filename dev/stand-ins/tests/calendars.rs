//! Reads the calendars of a salon file from a feed and from the fake Google.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs to go on is there, or the test has failed"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use openchair::busy::BusyReader;
use openchair::calendars::{CalendarSecrets, GoogleBaseUrl, Origins};
use openchair::clock::Clock;
use openchair::store::Consistency;
use salon::Salon;
use salon::interval::Interval;
use salon::salon_file;
use serde_json::json;
use stand_ins::fake_google::{CalendarFault, FakeGoogle, GoogleOptions, Serving};
use testing::MemoryStore;
use tokio::net::TcpListener;

const OWNER: &str = "owner@group.calendar.example";

/// A salon with one staff member, who has a feed and a Google calendar.
fn salon() -> Salon {
    let calendars = "id = \"s1\"\ncalendars = [{ ical = \"own\" }, { google = \"own\" }]";
    salon_file::parse(&salon_file::COMPILED_IN.replace("id = \"s1\"", calendars)).unwrap()
}

/// Serves a feed with one event, and counts how many times it is sent.
async fn feed(sent: Arc<AtomicUsize>) -> String {
    const FEED: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\n\
        DTSTAMP:20261101T000000Z\r\nDTSTART:20261124T200000Z\r\nDTEND:20261124T210000Z\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";
    let answer = move |headers: HeaderMap| async move {
        if headers.get("if-none-match").is_some_and(|known| known == "\"1\"") {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        sent.fetch_add(1, Ordering::SeqCst);
        ([("etag", "\"1\"")], FEED).into_response()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/own.ics", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/own.ics")
}

async fn google() -> Serving {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let serving = FakeGoogle::start(GoogleOptions::default(), listener).unwrap();
    serving.google().set_busy(OWNER, [interval("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z")]);
    serving
}

fn interval(start: &str, end: &str) -> Interval<Timestamp> {
    Interval::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

fn secrets(feed: &str, google: &Serving) -> CalendarSecrets {
    let document = json!({
        "feeds": { "own": feed },
        "google": { "serviceAccount": google.service_account(), "calendars": { "own": OWNER } }
    });
    CalendarSecrets::parse(&document.to_string().into()).unwrap()
}

#[tokio::test]
async fn feed_and_google_are_merged_and_an_unchanged_feed_is_not_sent_again() {
    let (salon, google, sent) = (salon(), google().await, Arc::new(AtomicUsize::new(0)));
    let feed = feed(Arc::clone(&sent)).await;
    let base = google.url().parse().unwrap();
    let origins = Origins::new(&salon, secrets(&feed, &google), base).unwrap();
    let clock = Clock::manual("2026-11-23T15:00:00Z".parse().unwrap());
    let reader = BusyReader::new(MemoryStore::default(), origins, clock.clone());

    let id = &salon.staff[0].id;
    let both = [
        interval("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"),
        interval("2026-11-24T20:00:00Z", "2026-11-24T21:00:00Z"),
    ];
    for _ in 0..3 {
        let busy = reader.read(&salon, Consistency::Strong).await.unwrap();
        assert_eq!(busy.times()[id].as_slice(), both);
        clock.advance(SignedDuration::from_secs(61));
    }
    assert_eq!(sent.load(Ordering::SeqCst), 1, "the feed has not changed");
    let asked = google.google().requests()["POST /calendar/v3/freeBusy"];
    assert_eq!(asked, 3, "Google cannot be asked whether anything has changed");
}

#[tokio::test]
async fn one_failed_calendar_makes_its_owner_unknown() {
    let (salon, google) = (salon(), google().await);
    let feed = feed(Arc::default()).await;
    google.google().fail_calendar(OWNER, Some(CalendarFault::NotFound));
    let base = google.url().parse().unwrap();
    let origins = Origins::new(&salon, secrets(&feed, &google), base).unwrap();
    let clock = Clock::manual("2026-11-23T15:00:00Z".parse().unwrap());
    let reader = BusyReader::new(MemoryStore::default(), origins, clock);
    let busy = reader.read(&salon, Consistency::Strong).await.unwrap();
    assert!(busy.times().is_empty(), "a feed alone says only a part");
}

#[test]
fn an_error_names_a_calendar_without_a_secret() {
    let error =
        Origins::new(&salon(), CalendarSecrets::default(), GoogleBaseUrl::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the salon file gives s1 the calendar Ical(\"own\"), which is not in CALENDAR_SECRETS"
    );
}
