//! A booking for the tests of this crate, which cannot use the test kit that depends on it.

use crate::cancellation_terms::CancellationTerms;
use jiff::Timestamp;
use jiff::civil::date;

use super::{Booking, BookingId, Checkout, ManageToken, PaymentIncidents, State, Terms};
use crate::customer::{Customer, Phone};
use crate::interval::Interval;
use crate::money::{Currency, Money};
use crate::payment_ui::PaymentUi;
use crate::service::{ServiceId, StaffId};

/// Returns a confirmed booking at the salon that is compiled in, made on
/// 16 November 2026 for the 24th, a Tuesday, 10:00 in Los Angeles.
pub(crate) fn sample() -> Booking {
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let usd = Currency::from_code("usd").expect("a currency");
    let (created_at, start) = (at("2026-11-16T18:00:00Z"), at("2026-11-24T18:00:00Z"));
    let end = at("2026-11-24T18:30:00Z");
    Booking {
        id: BookingId::from_bits(0x5eed_0123_4567_89ab_cdef_0123_4567_89ab),
        manage_token: ManageToken::from_bits(0x0007_0cea),
        state: State::Confirmed,
        version: 2,
        service: ServiceId::new("2.02").expect("an id"),
        staff: StaffId::new("s1").expect("an id"),
        is_staff_named: false,
        date: date(2026, 11, 24),
        appointment: Interval::new(start, end).expect("half an hour"),
        free_from: end,
        customer: Customer {
            name: "Ada Lovelace".parse().expect("a name"),
            phone: Phone::from_e164("+12135550123").expect("a number"),
            email: "ada@example.com".parse().expect("an address"),
        },
        terms: Terms {
            price: Money::new(6_500, usd),
            deposit: Money::new(5_000, usd),
            cancellation: CancellationTerms { full_refund_hours: 24, late_refund_percent: 0 },
            retention_days: 400,
        },
        checkout: Checkout {
            ui: PaymentUi::Hosted,
            attempt: 1,
            idempotency_key: "checkout-sample-1".to_owned(),
            form: String::new(),
            expires_at: at("2026-11-16T18:35:00Z"),
            offers_delayed: false,
            session: None,
        },
        payment: Some("pi_3SampleOfAPayment".to_owned()),
        has_conflict: false,
        refund: None,
        incidents: PaymentIncidents::default(),
        hold_keys: Vec::new(),
        request_key: None,
        hold_until: at("2026-11-16T18:10:00Z"),
        is_standby: false,
        in_line_since: None,
        created_at,
        changed_at: at("2026-11-16T18:04:00Z"),
        check_at: None,
    }
}
