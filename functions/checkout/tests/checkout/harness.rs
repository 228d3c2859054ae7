use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use checkout::Checkout;
use lambda_http::{Body, Response};
use openchair::bookings::Bookings;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::payments::{RetryPolicy, SecretKey, StripeClient};
use openchair::random::Random;
use openchair::store::booking_store::BookingStore;
use openchair::store::{Consistency, MemoryStore, Store};
use salon::booking::{Booking, BookingId, State};
use salon::day_sheet::{DaySheet, Entry};
use salon::salon_file;
use salon::service::StaffId;
use salon::{DateRange, Salon};
use secrecy::SecretString;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{Effect, Fault, Sandbox, SandboxOptions, Serving};
use tokio::net::TcpListener;

/// A Monday, three hours before the salon opens.
pub(crate) const NOW: &str = "2026-11-23T07:00:00-08:00";

/// The function, its store, its clock, and the sandbox it takes for Stripe.
pub(crate) struct Harness {
    pub(crate) function: Checkout<MemoryStore, NoCalendars>,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Clock,
    pub(crate) salon: Salon,
    stripe: Serving,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(no_limit(), PATIENT, |file| file).await
    }

    pub(crate) async fn with_stripe(options: SandboxOptions) -> Self {
        Self::with(options, IMPATIENT, |file| file).await
    }

    pub(crate) async fn with_salon(edit: impl FnOnce(String) -> String) -> Self {
        Self::with(no_limit(), PATIENT, edit).await
    }

    async fn with(
        options: SandboxOptions,
        patience: Duration,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        let clock = Clock::manual(NOW.parse().expect("an instant"));
        let text = edit(salon_file::COMPILED_IN.to_owned());
        let salon = salon_file::parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = SandboxOptions { clock: clock.clone(), ..options };
        let stripe = Sandbox::start(options, listener).expect("the sandbox starts");
        let store = MemoryStore::default();
        let reader = BusyReader::new(store.clone(), NoCalendars, clock.clone());
        let bookings = Bookings::new(
            Arc::new(salon.clone()),
            reader,
            client(stripe.url(), patience),
            Random::seeded(7),
        );
        let function = Checkout::new(bookings, clock.clone());
        Self { function, store, clock, salon, stripe }
    }

    pub(crate) async fn send(&self, event: &GatewayEvent) -> Response<Body> {
        self.function.handle(event.request()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response<Body> {
        self.send(&GatewayEvent::new("GET", target)).await
    }

    pub(crate) async fn cancel(&self, id: &str, token: &str) -> Response<Body> {
        let event = GatewayEvent::new("POST", &format!("/bookings/{id}/cancel"))
            .header("content-type", "application/json")
            .body(&json!({"manageToken": token}).to_string());
        self.send(&event).await
    }

    /// Lets something go wrong with the next call of a kind.
    pub(crate) fn fail(&self, call: &str, effect: Effect) {
        self.sandbox().inject(Fault { call: call.to_owned(), effect, times: 1 });
    }

    pub(crate) async fn reserve(&self, body: &Value) -> Response<Body> {
        self.send(&checkout(body)).await
    }

    /// Makes another client of the sandbox.
    pub(crate) fn stripe(&self) -> StripeClient {
        client(self.stripe.url(), PATIENT)
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.stripe.sandbox()
    }

    pub(crate) fn sessions_asked_for(&self) -> usize {
        self.sandbox().requests().get("POST /v1/checkout/sessions").copied().unwrap_or(0)
    }

    pub(crate) async fn booking(&self, id: &str) -> Booking {
        let id = BookingId::parse(id).expect("an id");
        self.store.booking(&id).await.expect("readable").expect("a booking")
    }

    /// Returns the entries of somebody's day.
    pub(crate) async fn entries(&self, staff: &str, date: &str) -> Vec<Entry> {
        let id = StaffId::new(staff).expect("an id");
        let day = DateRange::single(date.parse().expect("a date"));
        let sheets = self.store.sheets(&[&id], day, Consistency::Strong).await.expect("readable");
        sheets[&id].iter().flat_map(DaySheet::entries).cloned().collect()
    }

    /// Holds the table against what must always be so.
    pub(crate) async fn check(&self) {
        let bookings: BTreeMap<_, _> =
            self.store.bookings().into_iter().map(|it| (it.id.clone(), it)).collect();
        let everybody: Vec<_> = self.salon.staff.iter().map(|member| &member.id).collect();
        let horizon = self.salon.horizon(self.clock.now());
        let sheets = self.store.sheets(&everybody, horizon, Consistency::Strong).await;
        for (staff, sheets) in sheets.expect("readable") {
            for sheet in sheets {
                let entries: Vec<_> = sheet.entries().collect();
                for pair in entries.windows(2) {
                    assert!(
                        pair[0].taken().end() <= pair[1].taken().start(),
                        "two entries of {staff} overlap: {pair:?}"
                    );
                }
                for entry in entries {
                    let booking = bookings.get(&entry.booking_id).expect("an entry has a booking");
                    assert_eq!(booking.entry().as_ref(), Some(entry), "{booking:?}");
                }
            }
        }
        for booking in bookings.values() {
            let kept = self.entries(booking.staff.as_str(), &booking.date.to_string()).await;
            let kept = kept.iter().any(|entry| entry.booking_id == booking.id);
            assert_eq!(kept, booking.entry().is_some(), "{booking:?}");
            let session = booking.checkout.session.as_ref();
            let session = session.and_then(|known| self.sandbox().session(&known.id));
            if let (State::Held, Some(session)) = (booking.state, session) {
                assert!(session.expires_at < booking.hold_until(), "a hold outlives its session");
            }
        }
    }
}

pub(crate) fn no_limit() -> SandboxOptions {
    SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() }
}

/// How long the function waits for Stripe: as long as when it is deployed, or
/// not so long that a test of Stripe's failures would take it.
const PATIENT: Duration = Duration::from_secs(10);
const IMPATIENT: Duration = Duration::from_millis(500);

fn client(base: &str, patience: Duration) -> StripeClient {
    let key = SecretKey::new(SecretString::from("sk_test_1")).expect("a key");
    let policy = RetryPolicy {
        deadline: patience,
        backoff_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    StripeClient::new(&key, base.parse().expect("an address"), policy)
}

/// A request that reserves half an hour on Tuesday at 10:00, save for what the
/// test changes. Each is from another customer.
pub(crate) fn wish(changes: Value) -> Value {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut wish = json!({
        "serviceId": "2.02",
        "date": "2026-11-24",
        "time": "10:00",
        "clientName": "Ada Lovelace",
        "clientPhone": format!("+1 206 555 {:04}", 1000 + number),
        "clientEmail": format!("someone{number}@example.com"),
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value == json!("absent") {
            wish.as_object_mut().expect("an object").remove(&name);
        } else {
            wish[name] = value;
        }
    }
    wish
}

/// A request to reserve, from an address of its own.
pub(crate) fn checkout(body: &Value) -> GatewayEvent {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    GatewayEvent::new("POST", "/checkout")
        .header("content-type", "application/json")
        .source(&format!("10.0.{}.{}", number / 256, number % 256))
        .body(&body.to_string())
}

pub(crate) fn json(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

/// Returns the status and the code of an error.
pub(crate) fn refusal(response: &Response<Body>) -> (u16, String) {
    let code = json(response)["error"]["code"].as_str().unwrap_or("none").to_owned();
    (response.status().as_u16(), code)
}

/// Returns the text in a field of a body.
pub(crate) fn field(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{name} is text in {body}")).to_owned()
}
