//! Our own time in a checkout with a body: everything between the parsed
//! request and the answer but the table and Stripe, which answer at once here.
//!
//! `cargo bench -p shared --features stripe --bench reserve`: under 1 ms at the
//! 99th percentile.
//!
//! Not criterion's, as it has no percentiles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use openchair::bookings::{BookingRequest, Bookings, address_key, fingerprint, request_key};
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::payments::{
    PaymentIntent, Payments, Refund, RefundRequest, Session, SessionPage, SessionQuery,
    SessionRequest, SessionStatus, StripeError,
};
use openchair::random::Random;
use salon::customer::{Customer, Phone};
use salon::payment_ui::PaymentUi;
use salon::salon_file;
use testing::MemoryStore;

/// How many checkouts are timed, after as many that are not.
const CHECKOUTS: usize = 10_000;
/// Half hours of a Tuesday: after so many holds the table is emptied.
const A_DAY: usize = 18;

/// Opens sessions at once, and does nothing else.
struct Quick;

impl Payments for Quick {
    async fn open(&self, request: &SessionRequest) -> Result<Session, StripeError> {
        Ok(Session {
            id: format!("cs_test_{}", request.key()),
            status: SessionStatus::Open,
            paid: false,
            failed: false,
            payment: None,
            amount: Some(5_000),
            currency: None,
            booking_id: None,
            live: false,
            client_secret: None,
            url: Some("https://checkout.stripe.example/pay".to_owned()),
            expires_at: Timestamp::MAX,
        })
    }

    async fn session(&self, _: &str) -> Result<Session, StripeError> {
        Err(nothing_else())
    }

    async fn sessions(&self, _: SessionQuery<'_>) -> Result<SessionPage, StripeError> {
        Err(nothing_else())
    }

    async fn expire(&self, _: &str) -> Result<Session, StripeError> {
        Err(nothing_else())
    }

    async fn payment(&self, _: &str) -> Result<PaymentIntent, StripeError> {
        Err(nothing_else())
    }

    async fn capture(&self, _: &str) -> Result<PaymentIntent, StripeError> {
        Err(nothing_else())
    }

    async fn cancel_payment(&self, _: &str) -> Result<PaymentIntent, StripeError> {
        Err(nothing_else())
    }

    async fn refunds(&self, _: &str) -> Result<Vec<Refund>, StripeError> {
        Err(nothing_else())
    }

    async fn refunds_since(&self, _: Timestamp) -> Result<Vec<Refund>, StripeError> {
        Err(nothing_else())
    }

    async fn refund(&self, _: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        Err(nothing_else())
    }
}

fn nothing_else() -> StripeError {
    StripeError::Unreadable { reason: "this is for opening sessions only".to_owned() }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut times = Vec::with_capacity(CHECKOUTS);
    for round in 0..2 * CHECKOUTS / A_DAY {
        let of_round = runtime.block_on(a_day());
        if round >= CHECKOUTS / A_DAY {
            times.extend(of_round);
        }
    }
    times.sort_unstable();
    let at = |part: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an index of a few thousand"
        )]
        let index = (times.len() as f64 * part) as usize;
        times[index.min(times.len() - 1)]
    };
    println!("{} checkouts with a body, our own time:", times.len());
    println!("  p50 {:?}, p99 {:?}, p99.9 {:?}", at(0.5), at(0.99), at(0.999));
}

/// Fills a day with holds; returns how long each took.
async fn a_day() -> Vec<Duration> {
    let salon = salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon");
    let salon = Arc::new(salon);
    let clock = Clock::manual("2026-11-23T07:00:00-08:00".parse().expect("an instant"));
    let reader = BusyReader::new(MemoryStore::default(), NoCalendars, clock);
    let bookings = Bookings::new(Arc::clone(&salon), reader, Quick, Random::system());
    let service = salon.service("2.02").expect("half an hour");
    let opening: Timestamp = "2026-11-24T10:00:00-08:00".parse().expect("an instant");
    let mut times = Vec::with_capacity(A_DAY);
    for number in 0..A_DAY {
        let half_hours = i64::try_from(number).expect("a small number") * 30;
        let begun = Instant::now();
        let phone = format!("+1 206 555 {:04}", 1_000 + number);
        let customer = Customer {
            name: "Ada Lovelace".parse().expect("a name"),
            phone: Phone::parse(&phone, salon.country).expect("a number"),
            email: format!("someone{number}@example.com").parse().expect("an address"),
        };
        let address = format!("192.0.2.{number}").parse().expect("an address");
        let request = BookingRequest {
            service,
            start: opening + SignedDuration::from_mins(half_hours),
            staff: None,
            customer,
            ui: PaymentUi::Hosted,
            is_standby: false,
            replaces: None,
            key: Some(request_key(&format!("a random key, {number}"))),
            fingerprint: fingerprint(&["2.02", &phone]),
            address: Some(address_key(address)),
        };
        let reserved = bookings.reserve(&request).await.expect("a free time");
        times.push(begun.elapsed());
        assert!(reserved.is_new);
    }
    times
}
