//! A salon with its table, its Stripe and its clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use openchair::bookings::{
    BookingRequest, Bookings, Reservation, ReserveError, address_key, fingerprint,
};
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::payments::{Payments, RefundRequest, STRIPE_RETRIES, SecretKey, StripeClient};
use openchair::random::Random;
use openchair::retry::RetryPolicy;
use openchair::store::booking_store::BookingStore;
use openchair::store::{Consistency, Store};
use salon::booking::{Booking, BookingId};
use salon::day_sheet::{DaySheet, Entry};
use salon::money::Money;
use salon::payment_ui::PaymentUi;
use salon::service::StaffId;
use salon::{DateRange, Salon, salon_file};
use secrecy::SecretString;
use stand_ins::sandbox::{Effect, Fault, Sandbox, SandboxOptions, Serving};
use tokio::net::TcpListener;

use crate::MemoryStore;

/// When the clock of a harness starts: a Monday, three hours before the salon opens.
pub const NOW: &str = "2026-11-23T07:00:00-08:00";

/// The bookings of a salon in a test.
pub type TestBookings = Bookings<MemoryStore, NoCalendars, StripeClient>;

/// A salon, its table in memory, the sandbox in place of Stripe, and a clock that stands still.
/// Stripe's events reach nobody unless a test delivers them.
#[derive(Debug)]
pub struct SalonHarness {
    pub salon: Arc<Salon>,
    pub store: MemoryStore,
    pub clock: Clock,
    stripe: Serving,
    stripe_client: (SecretKey, RetryPolicy),
    seed: AtomicU64,
}

/// What a test can choose about a harness.
#[derive(Clone, Debug)]
pub struct HarnessOptions {
    /// The text of the salon file.
    pub salon_file: String,
    pub sandbox: SandboxOptions,
    pub stripe_key: &'static str,
    /// How long a call to Stripe may take, with its retries.
    pub stripe_deadline: Duration,
}

impl Default for HarnessOptions {
    fn default() -> Self {
        Self {
            salon_file: salon_file::COMPILED_IN.to_owned(),
            sandbox: SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() },
            stripe_key: "sk_test_1",
            stripe_deadline: STRIPE_RETRIES.deadline,
        }
    }
}

/// A hold that was placed for a new customer.
#[derive(Clone, Debug)]
pub struct Hold {
    pub id: BookingId,
    /// The id of its session at Stripe.
    pub session: String,
}

impl SalonHarness {
    /// Opens the salon that is compiled in.
    pub async fn new() -> Self {
        Self::with(HarnessOptions::default()).await
    }

    /// Opens a salon as a test wants it.
    pub async fn with(options: HarnessOptions) -> Self {
        let clock = Clock::manual(NOW.parse().expect("an instant"));
        let salon = salon_file::parse(&options.salon_file);
        let salon = salon.unwrap_or_else(|problems| panic!("{problems}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let sandbox = SandboxOptions { clock: clock.clone(), ..options.sandbox };
        let stripe = Sandbox::start(sandbox, listener).expect("the sandbox starts");
        let key = SecretKey::new(SecretString::from(options.stripe_key)).expect("a key");
        let policy = RetryPolicy {
            deadline: options.stripe_deadline,
            backoff_base: Duration::from_millis(1),
            ..STRIPE_RETRIES
        };
        Self {
            salon: Arc::new(salon),
            store: MemoryStore::default(),
            clock,
            stripe,
            stripe_client: (key, policy),
            seed: AtomicU64::new(1),
        }
    }

    /// Returns the salon's bookings, as another function has them.
    pub fn bookings(&self) -> TestBookings {
        let reader = BusyReader::new(self.store.clone(), NoCalendars, self.clock.clone());
        let random = Random::seeded(self.seed.fetch_add(1, Ordering::Relaxed));
        Bookings::new(Arc::clone(&self.salon), reader, self.stripe_client(), random)
    }

    /// Returns a client of the sandbox.
    pub fn stripe_client(&self) -> StripeClient {
        let (key, policy) = &self.stripe_client;
        StripeClient::new(key, self.stripe.url().parse().expect("an address"), *policy)
    }

    /// Returns the sandbox in place of Stripe.
    pub fn stripe(&self) -> &Sandbox {
        self.stripe.sandbox()
    }

    /// Makes the next calls of a route fail at Stripe.
    pub fn fail_stripe(&self, call: &str, effect: Effect, times: u32) {
        self.stripe().inject(Fault { call: call.to_owned(), effect, times });
    }

    /// Requests half an hour on Tuesday, each time for another customer at another address.
    pub fn request(&self, time: &str) -> BookingRequest<'_> {
        let number = next_number();
        let email = format!("someone{number}@example.com");
        BookingRequest {
            service: self.salon.service("2.02").expect("a service of half an hour"),
            start: format!("2026-11-24T{time}:00-08:00").parse().expect("an instant"),
            staff: None,
            customer: salon::customer::Customer {
                name: "Ada Lovelace".parse().expect("a name"),
                phone: salon::customer::Phone::from_e164(&format!("+1206555{number:04}"))
                    .expect("a number"),
                email: email.parse().expect("an address"),
            },
            ui: PaymentUi::Elements,
            is_standby: false,
            replaces: None,
            key: None,
            fingerprint: fingerprint(&[&email]),
            address: Some(address_key(client_address(number).parse().expect("an address"))),
        }
    }

    /// Reserves what [`request`](Self::request) asks for.
    ///
    /// # Errors
    /// As [`Bookings::reserve`].
    pub async fn reserve(&self, time: &str) -> Result<Reservation, ReserveError> {
        Box::pin(self.bookings().reserve(&self.request(time))).await
    }

    /// Places a hold, as [`reserve`](Self::reserve) does.
    pub async fn hold(&self, time: &str) -> Hold {
        let booking = self.reserve(time).await.expect("the time is free").booking;
        let session = booking.checkout.session.expect("a session");
        Hold { id: booking.id, session: session.id }
    }

    /// Places a hold, and pays for it at Stripe. No event says so.
    pub async fn paid_hold(&self, time: &str) -> Hold {
        let hold = self.hold(time).await;
        self.stripe().pay(&hold.session).expect("the session is open");
        hold
    }

    /// Cancels a booking, as its customer.
    pub async fn cancel(&self, id: &BookingId) {
        let booking = self.booking(id).await;
        let cancelling = Box::pin(async {
            self.bookings().cancel(id, booking.manage_token.expose(), None).await
        });
        cancelling.await.expect("it can be cancelled");
    }

    /// Refunds a part of a booking's payment in Stripe's Dashboard.
    pub async fn refund_by_hand(&self, id: &BookingId, amount: i64) {
        let booking = self.booking(id).await;
        let request = RefundRequest {
            booking_id: "not a booking's id",
            key: &format!("by-hand-{amount}"),
            payment: booking.payment.as_deref().expect("a payment"),
            amount: Money::new(amount, booking.terms.deposit.currency()),
        };
        self.stripe_client().refund(&request).await.expect("it can be refunded");
    }

    /// Reads a booking.
    pub async fn booking(&self, id: &BookingId) -> Booking {
        self.store.booking(id).await.expect("the table is up").expect("a booking")
    }

    /// Reads the state of a booking: `held`, `confirmed`.
    pub async fn status(&self, id: &BookingId) -> &'static str {
        self.booking(id).await.state.as_str()
    }

    /// Counts the refunds of a booking's payment at Stripe.
    pub async fn refunds(&self, id: &BookingId) -> usize {
        let payment = self.booking(id).await.payment;
        payment.map_or(0, |payment| self.stripe().refunds(&payment).len())
    }

    /// Reads the entries of a day sheet.
    pub async fn entries(&self, staff: &str, date: &str) -> Vec<Entry> {
        let id = StaffId::new(staff).expect("an id");
        let day = DateRange::single(date.parse().expect("a date"));
        let sheets = self.store.sheets(&[&id], day, Consistency::Strong).await;
        sheets.expect("the table is up")[&id].iter().flat_map(DaySheet::entries).cloned().collect()
    }

    /// Checks the table: no two entries overlap, and entries and bookings agree.
    pub fn check_invariants(&self) {
        self.store.inspect(|contents| contents.check()).expect("day sheets and bookings agree");
    }
}

/// Returns a number that no other customer of this process has, of four digits.
pub(crate) fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1_000);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Returns the address of a customer.
pub(crate) fn client_address(number: u32) -> String {
    format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256)
}
