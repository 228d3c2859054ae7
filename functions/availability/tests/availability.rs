//! The contract of GET /availability and GET /services, on API Gateway's events.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use availability::Availability;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Response};
use openchair::busy::{BusyReader, Origin, OriginError};
use openchair::clock::Clock;
use salon::booking::BookingId;
use salon::day_sheet::{DaySheet, Entry};
use salon::interval::Interval;
use salon::salon_file;
use salon::service::{StaffId, StaffMember};
use salon::staff_calendar::{CalendarReading, SourceReading};
use stand_ins::gateway_event::GatewayEvent;
use testing::http_messages::json_body;
use testing::salon_harness::NOW;
use testing::{Call, MemoryStore};

/// The function on a store in memory, at a time that stands still.
struct Harness {
    function: Availability<MemoryStore, Calendar>,
    store: MemoryStore,
    /// How many times day sheets were read.
    reads: Arc<AtomicUsize>,
    calendar: Calendar,
    clock: Clock,
}

/// A calendar with a fixed reading, or one that cannot be read.
#[derive(Clone, Debug, Default)]
struct Calendar(Arc<Mutex<Option<Interval<Timestamp>>>>);

impl Calendar {
    fn set(&self, busy: Option<Interval<Timestamp>>) {
        *self.0.lock().expect("no panic") = busy;
    }
}

impl Origin for Calendar {
    async fn read(
        &self,
        _: &StaffMember,
        _: Interval<Timestamp>,
        _: Option<&CalendarReading>,
    ) -> Result<BTreeMap<String, SourceReading>, OriginError> {
        let busy = self.0.lock().expect("no panic").ok_or("it cannot be read")?;
        let source =
            SourceReading { busy: [busy].into_iter().collect(), ..SourceReading::default() };
        Ok(BTreeMap::from([("ical:own".to_owned(), source)]))
    }
}

impl Harness {
    fn new() -> Self {
        Self::with_salon(salon_file::COMPILED_IN)
    }

    /// The sample salon, whose one person has a calendar.
    fn with_calendar() -> Self {
        let calendars = "id = \"s1\"\ncalendars = [{ ical = \"own\" }]";
        Self::with_salon(&salon_file::COMPILED_IN.replace("id = \"s1\"", calendars))
    }

    fn with_salon(text: &str) -> Self {
        let salon = salon_file::parse(text).expect("the sample salon");
        let store = MemoryStore::default();
        let reads = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&reads);
        store.set_hook(move |call: Call<'_>| {
            if matches!(call, Call::Sheets) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let calendar = Calendar::default();
        let clock = Clock::manual(instant(NOW));
        let reader = BusyReader::new(store.clone(), calendar.clone(), clock.clone());
        Self { function: Availability::new(salon, reader), store, reads, calendar, clock }
    }

    async fn get(&self, target: &str) -> Response<Body> {
        self.send(&GatewayEvent::new("GET", target)).await
    }

    async fn send(&self, event: &GatewayEvent) -> Response<Body> {
        self.function.handle(event.request()).await
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// Books the salon's only person on 24 November, from 11:00 to 12:00.
    fn book_an_hour(&self, until: Option<&str>) {
        let taken = Interval::new(
            instant("2026-11-24T11:00:00-08:00"),
            instant("2026-11-24T12:00:00-08:00"),
        );
        let taken = taken.expect("an hour");
        let entry = Entry::new(BookingId::from_bits(1), taken, taken.end(), until.map(instant));
        let date = "2026-11-24".parse().expect("a date");
        self.store.put_sheet(staff("s1"), date, DaySheet::new(1, vec![entry.expect("an entry")]));
    }
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn staff(id: &str) -> StaffId {
    StaffId::new(id).expect("an id")
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

fn text(response: &Response<Body>) -> &str {
    str::from_utf8(response.body()).expect("UTF-8")
}

#[tokio::test]
async fn open_time_lists_43_days_in_order() {
    let harness = Harness::new();
    let response = harness.get("/availability").await;
    let keys: Vec<&str> = text(&response).split('"').filter(|part| part.len() == 10).collect();
    assert_eq!((keys.len(), keys[0], keys[42]), (43, "2026-11-23", "2027-01-04"));
    assert!(keys.is_sorted(), "the days are out of order: {keys:?}");
    let days = json_body(&response);
    let shown =
        ["2026-11-23", "2026-11-25", "2026-11-29", "2026-12-25"].map(|date| days[date].to_string());
    assert_eq!(shown, [r#"[["10:00","19:00"]]"#, r#"[["10:00","12:30"]]"#, "[]", "[]"]);
}

#[tokio::test]
async fn both_forms_carry_the_caching_headers() {
    let harness = Harness::new();
    for target in ["/availability", "/availability?service=2.04&days=3"] {
        let response = harness.get(target).await;
        assert_eq!(response.status(), 200, "{target}");
        assert_eq!(header(&response, "content-type"), "application/json");
        assert_eq!(header(&response, "cache-control"), "public, max-age=60");
        assert_eq!(header(&response, "age"), "0");
        let etag = header(&response, "etag");
        assert!(etag.starts_with('"') && etag.len() == 18, "not a strong tag: {etag}");

        let again = GatewayEvent::new("GET", target).header("If-None-Match", etag);
        let unchanged = harness.send(&again).await;
        assert_eq!(unchanged.status(), 304, "{target}");
        assert!(matches!(unchanged.body(), Body::Empty));
        assert_eq!(header(&unchanged, "etag"), etag);
    }
}

#[tokio::test]
async fn starts_have_the_salons_offset_and_the_free_staff() {
    let harness = Harness::new();
    let response = harness.get("/availability?service=2.04&from=2026-11-24&days=2").await;
    let body = json_body(&response);
    assert!(
        text(&response).starts_with(
            r#"{"service":{"id":"2.04","title":"Eyebrow microblading","durationMinutes":180,"price":{"amount":65000,"currency":"usd"},"deposit":{"amount":5000,"currency":"usd"}},"#
        ),
        "{body}"
    );
    assert_eq!(body["timeZone"], "America/Los_Angeles");
    let days = body["days"].as_array().expect("days");
    let starts = days[0]["starts"].as_array().expect("starts");
    assert_eq!(days[0]["date"], "2026-11-24");
    assert_eq!(
        starts[0],
        serde_json::json!({"start": "2026-11-24T10:00:00-08:00", "staff": ["s1"]})
    );
    assert_eq!(starts.last().expect("a start")["start"], "2026-11-24T16:00:00-08:00");
    assert_eq!(starts.len(), 25);
    assert_eq!(
        days[1],
        serde_json::json!({"date": "2026-11-25", "starts": []}),
        "three hours do not fit a Wednesday"
    );
}

#[tokio::test]
async fn times_that_only_a_hold_is_in_the_way_of_are_listed_for_those_who_stand_by() {
    let harness = Harness::new();
    let starts = async |query: &str| {
        let target = format!("/availability?service=1.01&from=2026-11-24&days=1{query}");
        let body = json_body(&harness.get(&target).await);
        let starts = body["days"][0]["starts"].as_array().expect("a list").clone();
        let one = |start: &serde_json::Value| {
            let time = start["start"].as_str().expect("a time")[11..16].to_owned();
            (time, start["standby"].as_bool().unwrap_or(false))
        };
        starts.iter().map(one).filter(|(time, _)| ("10:00".."12:15").contains(&&**time)).collect()
    };
    let listed = |times: &[(&str, bool)]| -> Vec<(String, bool)> {
        times.iter().map(|(time, standby)| ((*time).to_owned(), *standby)).collect()
    };
    harness.book_an_hour(Some("2026-11-23T08:00:00-08:00"));
    let free = listed(&[("10:00", false), ("12:00", false)]);
    let with_standby = listed(&[
        ("10:00", false),
        ("10:15", true),
        ("10:30", true),
        ("10:45", true),
        ("11:00", true),
        ("11:15", true),
        ("11:30", true),
        ("11:45", true),
        ("12:00", false),
    ]);
    let (plain, asked): (Vec<_>, Vec<_>) = (starts("").await, starts("&standby=true").await);
    assert_eq!((plain, asked), (free.clone(), with_standby));

    harness.clock.advance(SignedDuration::from_secs(60));
    harness.book_an_hour(None);
    let asked: Vec<_> = starts("&standby=true").await;
    assert_eq!(asked, free, "it is paid");
}

#[tokio::test]
async fn bookings_live_holds_and_calendars_are_not_offered() {
    let harness = Harness::with_calendar();
    harness.book_an_hour(Some("2026-11-23T08:00:00-08:00"));
    let lunch =
        Interval::new(instant("2026-11-24T12:30:00-08:00"), instant("2026-11-24T13:15:00-08:00"));
    harness.calendar.set(lunch);
    let open = |response: &Response<Body>| json_body(response)["2026-11-24"].to_string();

    let expected = r#"[["10:00","11:00"],["12:00","12:30"],["13:15","19:00"]]"#;
    assert_eq!(open(&harness.get("/availability").await), expected);
    assert_eq!(open(&harness.get("/availability?staff=s1").await), expected);

    harness.clock.advance(SignedDuration::from_mins(60));
    let after_the_hold = r#"[["10:00","12:30"],["13:15","19:00"]]"#;
    assert_eq!(open(&harness.get("/availability").await), after_the_hold, "the hold is over");
}

#[tokio::test]
async fn a_snapshot_answers_for_a_minute_and_its_age_is_true() {
    let harness = Harness::new();
    harness.get("/availability").await;
    harness.book_an_hour(None);
    harness.clock.advance(SignedDuration::from_secs(59));
    let cached = harness.get("/availability").await;
    assert_eq!((header(&cached, "age"), harness.reads()), ("59", 1));

    harness.clock.advance(SignedDuration::from_secs(1));
    let fresh = harness.get("/availability").await;
    assert_eq!((header(&fresh, "age"), harness.reads()), ("0", 2));
    assert_ne!(header(&cached, "etag"), header(&fresh, "etag"));
}

#[tokio::test]
async fn the_first_request_is_answered_from_the_warm_up_snapshot() {
    let harness = Harness::new();
    harness.function.warm_up().await;
    harness.clock.advance(SignedDuration::from_secs(5));
    let response = harness.get("/availability").await;
    assert_eq!((header(&response, "age"), harness.reads()), ("5", 1));
}

#[tokio::test]
async fn a_table_that_is_down_at_the_start_does_no_later_harm() {
    let harness = Harness::new();
    harness.store.set_down(true);
    harness.function.warm_up().await;
    harness.store.set_down(false);
    harness.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(harness.get("/availability").await.status(), 200);
}

#[tokio::test]
async fn no_cache_gets_a_snapshot_that_is_at_most_a_second_old() {
    let harness = Harness::new();
    let current = GatewayEvent::new("GET", "/availability").header("Cache-Control", "no-cache");
    harness.send(&current).await;
    harness.clock.advance(SignedDuration::from_millis(999));
    harness.send(&current).await;
    assert_eq!(harness.reads(), 1);
    harness.clock.advance(SignedDuration::from_millis(1));
    harness.send(&current).await;
    assert_eq!(harness.reads(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_at_once_read_the_table_once() {
    let harness = Arc::new(Harness::new());
    for expected_reads in 1..=3 {
        let requests = (0..200).map(|number| {
            let harness = Arc::clone(&harness);
            let target = ["/availability", "/availability?service=1.01"][number % 2];
            tokio::spawn(async move { harness.get(target).await.status() })
        });
        for request in requests.collect::<Vec<_>>() {
            assert_eq!(request.await.expect("no panic"), 200);
        }
        assert_eq!(harness.reads(), expected_reads);
        harness.clock.advance(SignedDuration::from_secs(60));
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_503_and_never_all_free() {
    let harness = Harness::new();
    harness.get("/availability").await;
    harness.store.set_down(true);
    harness.clock.advance(SignedDuration::from_secs(60));
    for _ in 0..3 {
        let response = harness.get("/availability").await;
        assert_eq!(response.status(), 503);
        assert_eq!(header(&response, "retry-after"), "2");
        assert_eq!(json_body(&response)["error"]["code"], "store_unavailable");
    }
    assert_eq!(harness.reads(), 2, "a failure is not tried again within a second");

    harness.store.set_down(false);
    harness.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(harness.get("/availability").await.status(), 200);
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_is_served_stale_with_its_age_and_then_503() {
    let harness = Harness::with_calendar();
    harness.calendar.set(Interval::new(instant(NOW), instant("2026-11-23T12:00:00-08:00")));
    let open = |response: &Response<Body>| json_body(response)["2026-11-23"].to_string();
    assert_eq!(open(&harness.get("/availability").await), r#"[["12:00","19:00"]]"#);

    harness.calendar.set(None);
    harness.clock.advance(SignedDuration::from_secs(15 * 60 - 1));
    let stale = harness.get("/availability").await;
    assert_eq!((header(&stale, "age"), open(&stale).as_str()), ("899", r#"[["12:00","19:00"]]"#));

    harness.clock.advance(SignedDuration::from_secs(1));
    for target in ["/availability", "/availability?service=1.01", "/availability?staff=s1"] {
        let response = harness.get(target).await;
        assert_eq!(response.status(), 503, "{target}");
        assert_eq!(json_body(&response)["error"]["code"], "calendar_unavailable");
        assert_eq!(header(&response, "retry-after"), "5");
    }
}

#[tokio::test]
async fn a_person_whose_calendar_cannot_be_read_does_not_close_the_salon() {
    let second = "[[staff]]\nid = \"s2\"\nname = \"Second\"\ncalendars = [{ ical = \"own\" }]\n";
    let harness = Harness::with_salon(&format!("{}{second}", salon_file::COMPILED_IN));
    let response = harness.get("/availability?service=1.01&from=2026-11-24&days=1").await;
    assert_eq!(json_body(&response)["days"][0]["starts"][0]["staff"], serde_json::json!(["s1"]));
    assert_eq!(harness.get("/availability?staff=s2").await.status(), 503);
}

#[tokio::test]
async fn bad_requests_get_the_contracts_errors() {
    let harness = Harness::new();
    let table = [
        ("GET", "/availability?service=nope", 404, "unknown_service", "service"),
        ("GET", "/availability?service=", 404, "unknown_service", "service"),
        ("GET", "/availability?staff=nope", 404, "unknown_staff", "staff"),
        ("GET", "/availability?service=1.01&staff=nope", 404, "unknown_staff", "staff"),
        ("GET", "/availability?service=1.01&from=tomorrow", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=1.01&from=20261124", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=1.01&from=2026-02-30", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=1.01&from=2026-11-22", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=1.01&from=2027-01-05", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=1.01&days=0", 400, "invalid_parameter", "days"),
        ("GET", "/availability?service=1.01&days=-1", 400, "invalid_parameter", "days"),
        ("GET", "/availability?service=1.01&days=1e1", 400, "invalid_parameter", "days"),
        ("GET", "/availability?service=1.01&days=44", 400, "invalid_parameter", "days"),
        ("GET", "/availability?service=1.01&days=99999999999", 400, "invalid_parameter", "days"),
        (
            "GET",
            "/availability?service=1.01&from=2027-01-04&days=2",
            400,
            "invalid_parameter",
            "days",
        ),
        ("GET", "/availability?service=nope&from=bad", 400, "invalid_parameter", "from"),
        ("GET", "/availability?service=%00%ff", 404, "unknown_service", "service"),
        ("POST", "/availability", 405, "method_not_allowed", ""),
        ("DELETE", "/services", 405, "method_not_allowed", ""),
        ("GET", "/", 404, "not_found", ""),
        ("GET", "/availability/", 404, "not_found", ""),
    ];
    for (method, target, status, code, field) in table {
        let response = harness.send(&GatewayEvent::new(method, target)).await;
        let body = json_body(&response);
        assert_eq!(response.status(), status, "{method} {target}: {body}");
        assert_eq!(body["error"]["code"], code, "{method} {target}");
        assert_eq!(body["error"]["field"].as_str().unwrap_or(""), field, "{method} {target}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{method} {target}");
        if status == 405 {
            assert_eq!(header(&response, "allow"), "GET");
        }
    }
}

#[tokio::test]
async fn an_error_has_the_contracts_envelope() {
    let response = Harness::new().get("/availability?service=nope").await;
    insta::assert_snapshot!(
        text(&response),
        @r#"{"error":{"code":"unknown_service","message":"There is no service with this id. GET /services lists them.","field":"service","retryAfterSeconds":null,"alternatives":[]}}"#
    );
}

#[tokio::test]
async fn the_whole_horizon_can_be_asked_for_and_unknown_parameters_are_ignored() {
    let harness = Harness::new();
    for target in [
        "/availability?service=1.01&days=43",
        "/availability?service=1.01&from=2027-01-04&days=1",
        "/availability?service=1.01&from=2027-01-04",
        "/availability?utm_source=mail&days=bad",
    ] {
        assert_eq!(harness.get(target).await.status(), 200, "{target}");
    }
}

#[tokio::test]
async fn more_variants_than_are_kept_are_still_answered() {
    let harness = Harness::new();
    for service in ["1.01", "1.02", "1.03", "1.04", "1.05", "1.06", "1.07", "1.08"] {
        for days in 1..=43 {
            let response =
                harness.get(&format!("/availability?service={service}&days={days}")).await;
            assert_eq!(json_body(&response)["days"].as_array().expect("days").len(), days);
        }
    }
    assert_eq!(harness.reads(), 1);
}

#[tokio::test]
async fn the_menu_lists_services_and_who_performs_them() {
    let response = Harness::new().get("/services").await;
    assert_eq!(header(&response, "cache-control"), "public, max-age=3600");
    let menu = json_body(&response);
    assert_eq!(menu["services"].as_array().expect("services").len(), 22);
    assert_eq!(menu["staff"], serde_json::json!([{"id": "s1", "name": "Beauty Lounge"}]));
    assert_eq!(
        menu["cancellation"],
        serde_json::json!({"fullRefundHours": 24, "lateRefundPercent": 0}),
        "a page can say it before the client pays"
    );
    assert!(
        text(&response).starts_with(
            r#"{"services":[{"category":"Facials","id":"1.01","title":"ProCell MD Microchanneling","durationMinutes":60,"price":{"amount":35000,"currency":"usd"},"deposit":{"amount":5000,"currency":"usd"},"staff":["s1"]},"#
        ),
        "{menu}"
    );
}
