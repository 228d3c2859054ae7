use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkout::Checkout;
use jiff::{SignedDuration, Timestamp};
use openchair::bookings::{Bookings, Report};
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::payments::{RetryPolicy, SecretKey, StripeClient};
use openchair::random::Random;
use openchair::store::booking_store::{
    BookingChange, BookingStore, ReservationContext, WriteOutcome,
};
use openchair::store::{
    CachedCalendars, Consistency, Lease, MemoryStore, Sheets, Store, StoreError,
};
use reconcile::Reconcile;
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::salon_file;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;
use secrecy::SecretString;
use serde_json::json;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{Effect, Fault, Sandbox, SandboxOptions, Serving};
use tokio::net::TcpListener;

/// A Monday, three hours before the salon opens.
const NOW: &str = "2026-11-23T07:00:00-08:00";

/// The function, the one that makes its bookings, their store and clock, and
/// the sandbox they take for Stripe. No event reaches anybody.
pub(crate) struct Harness {
    pub(crate) store: PartlyCorrupt,
    pub(crate) clock: Clock,
    reconcile: Reconcile<PartlyCorrupt, NoCalendars, StripeClient>,
    checkout: Checkout<PartlyCorrupt, NoCalendars>,
    /// What the function has in hand, for a budget of the test's.
    pub(crate) bookings: Bookings<PartlyCorrupt, NoCalendars, StripeClient>,
    stripe: Serving,
}

/// A hold, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) id: BookingId,
    pub(crate) session: String,
    token: String,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let clock = Clock::manual(NOW.parse().expect("an instant"));
        let salon = salon_file::parse(salon_file::COMPILED_IN);
        let salon = Arc::new(salon.unwrap_or_else(|problems| panic!("{problems}")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = SandboxOptions {
            requests_per_second: 0,
            clock: clock.clone(),
            ..SandboxOptions::default()
        };
        let stripe = Sandbox::start(options, listener).expect("the sandbox starts");
        let store = PartlyCorrupt::default();
        let bookings = |seed| {
            let reader = BusyReader::new(store.clone(), NoCalendars, clock.clone());
            let salon = Arc::clone(&salon);
            Bookings::new(salon, reader, client(stripe.url()), Random::seeded(seed))
        };
        let reconcile = Reconcile::new(bookings(1), clock.clone());
        let checkout = Checkout::new(bookings(2), clock.clone());
        let bookings = bookings(3);
        Self { store, clock, reconcile, checkout, bookings, stripe }
    }

    /// Runs the function as the schedule does, with a minute of time.
    pub(crate) async fn run(&self) -> Report {
        self.run_for(SignedDuration::from_mins(1)).await.expect("the list can be read")
    }

    pub(crate) async fn run_for(&self, time: SignedDuration) -> Result<Report, StoreError> {
        Box::pin(self.reconcile.run(self.clock.now() + time)).await
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.stripe.sandbox()
    }

    pub(crate) fn fail(&self, call: &str, effect: Effect, times: u32) {
        self.sandbox().inject(Fault { call: call.to_owned(), effect, times });
    }

    /// Asks for half an hour on Tuesday, each time for another client. Returns
    /// the status and the answer.
    pub(crate) async fn reserve(&self, time: &str) -> (u16, serde_json::Value) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(1000);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let wish = json!({
            "serviceId": "2.02", "date": "2026-11-24", "time": time,
            "clientName": "Ada Lovelace", "clientPhone": format!("+1 206 555 {number}"),
            "clientEmail": format!("someone{number}@example.com"),
        });
        let event = GatewayEvent::new("POST", "/checkout")
            .header("content-type", "application/json")
            .source(&format!("10.0.{}.{}", number / 256, number % 256))
            .body(&wish.to_string());
        let response = Box::pin(self.checkout.handle(event.request())).await;
        (response.status().as_u16(), serde_json::from_slice(response.body()).expect("JSON"))
    }

    pub(crate) async fn hold(&self, time: &str) -> Held {
        let (status, body) = self.reserve(time).await;
        assert_eq!(status, 201, "{body}");
        let field = |name: &str| body[name].as_str().expect("text").to_owned();
        let id = BookingId::parse(&field("bookingId")).expect("an id");
        Held { id, session: field("sessionId"), token: field("manageToken") }
    }

    pub(crate) async fn cancel(&self, held: &Held) {
        let event = GatewayEvent::new("POST", &format!("/bookings/{}/cancel", held.id))
            .header("content-type", "application/json")
            .body(&json!({"manageToken": held.token}).to_string());
        let response = Box::pin(self.checkout.handle(event.request())).await;
        assert_eq!(response.status(), 200, "{response:?}");
    }

    pub(crate) async fn status(&self, id: &BookingId) -> &'static str {
        let booking = self.store.booking(id).await.expect("readable").expect("a booking");
        booking.state.as_str()
    }
}

fn client(base: &str) -> StripeClient {
    let key = SecretKey::new(SecretString::from("sk_test_1")).expect("a key");
    let policy = RetryPolicy {
        deadline: Duration::from_millis(500),
        backoff_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    StripeClient::new(&key, base.parse().expect("an address"), policy)
}

/// A store in which some bookings cannot be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartlyCorrupt {
    pub(crate) memory: MemoryStore,
    corrupt: Arc<Mutex<HashSet<BookingId>>>,
}

impl PartlyCorrupt {
    pub(crate) fn corrupt(&self, id: &BookingId) {
        self.corrupt.lock().expect("nobody panicked").insert(id.clone());
    }
}

impl Store for PartlyCorrupt {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> Result<Sheets, StoreError> {
        self.memory.sheets(staff, horizon, consistency).await
    }

    async fn calendars(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> Result<CachedCalendars, StoreError> {
        self.memory.calendars(staff, consistency).await
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.memory.take_lease(staff, now, until).await
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        self.memory.put_reading(staff, reading).await
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.memory.move_lease(staff, taken_until, until).await
    }
}

impl BookingStore for PartlyCorrupt {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        if self.corrupt.lock().expect("nobody panicked").contains(id) {
            let problem = "its state is nonsense".to_owned();
            return Err(StoreError::Corrupt { key: format!("BOOKING#{id}"), problem });
        }
        self.memory.booking(id).await
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        self.memory.reservation_context(counts, request).await
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        self.memory.write(change).await
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.memory.record_poll(id, now, pause).await
    }

    async fn bookings_to_check(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<BookingId>, StoreError> {
        self.memory.bookings_to_check(now, limit).await
    }
}
