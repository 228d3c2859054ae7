use salon::booking::{
    Booking, BookingId, CancellationTerms, Checkout, HoldKey, ManageToken, Refund, RequestKey,
    Session, State, Terms,
};
use salon::customer::{Customer, Phone};
use salon::interval::Interval;
use salon::money::{Currency, Money};
use salon::payment_ui::PaymentUi;
use salon::service::ServiceId;

use crate::harness::{at, staff_id};

/// When the samples are made.
pub(crate) const MADE: i64 = 1_795_500_000;

fn dollars(amount: i64) -> Money {
    Money::from_major(amount, Currency::from_code("usd").expect("a currency")).expect("an amount")
}

/// Makes a new hold, with nothing that may be missing.
pub(crate) fn hold(number: u128) -> Booking {
    let start = at(MADE + 86_400);
    let end = at(MADE + 88_200);
    Booking {
        id: BookingId::from_bits(number),
        manage_token: ManageToken::from_bits(7),
        state: State::Held,
        version: 0,
        service: ServiceId::new("2.02").expect("an id"),
        staff: staff_id("s1"),
        is_staff_named: false,
        date: jiff::civil::date(2026, 11, 24),
        appointment: Interval::new(start, end).expect("a span"),
        free_from: end,
        customer: Customer {
            name: "Ada Lovelace".parse().expect("a name"),
            phone: Phone::from_e164("+12065550100").expect("a number"),
            email: "ada@example.com".parse().expect("an address"),
        },
        terms: Terms {
            price: dollars(65),
            deposit: dollars(50),
            cancellation: CancellationTerms { full_refund_hours: 24, late_refund_percent: 50 },
            retention_days: 90,
        },
        checkout: Checkout {
            ui: PaymentUi::Hosted,
            attempt: 1,
            idempotency_key: "checkout-1".to_owned(),
            form: "mode=payment".to_owned(),
            expires_at: at(MADE + 2_100),
            session: None,
        },
        payment: None,
        has_conflict: false,
        refund: None,
        hold_keys: vec![],
        request_key: None,
        created_at: at(MADE),
        changed_at: at(MADE),
        check_at: None,
    }
}

/// Makes a new hold with all that a booking can have.
pub(crate) fn full(number: u128) -> Booking {
    let session = Session {
        id: "cs_1".to_owned(),
        client_secret: Some("cs_1_secret".to_owned()),
        url: Some("https://checkout.example/cs_1".to_owned()),
    };
    let hold = hold(number);
    Booking {
        is_staff_named: true,
        free_from: at(MADE + 89_100),
        checkout: Checkout {
            ui: PaymentUi::Elements,
            attempt: 2,
            session: Some(session),
            ..hold.checkout
        },
        payment: Some("pi_1".to_owned()),
        has_conflict: true,
        refund: Some(Refund { amount: dollars(25), attempt: 3 }),
        hold_keys: vec![key("phone"), key("address")],
        request_key: Some(RequestKey("request".into())),
        check_at: Some(at(MADE + 180)),
        ..hold
    }
}

pub(crate) fn key(name: &str) -> HoldKey {
    HoldKey(name.into())
}
