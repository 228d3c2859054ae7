use jiff::SignedDuration;
use salon::booking::{
    Booking, Checkout, HoldKey, PaymentIncidents, PaymentWarning, Refund, RequestKey,
    SecondPayment, SecondRefund, Session, WarningKind,
};
use salon::customer::Customer;
use salon::money::Money;
use salon::payment_ui::PaymentUi;

use crate::harness::at;

/// When the sample bookings are made.
pub(crate) const MADE: i64 = 1_794_852_000;

/// Returns a new hold that has everything a booking can have.
pub(crate) fn full(number: u128) -> Booking {
    let session = Session {
        id: "cs_1".to_owned(),
        client_secret: Some("cs_1_secret".to_owned()),
        url: Some("https://checkout.example/cs_1".to_owned()),
    };
    let hold = testing::hold(number);
    let checkout = Checkout {
        ui: PaymentUi::Elements,
        attempt: 2,
        offers_delayed: true,
        session: Some(session),
        ..hold.checkout
    };
    let amount = Money::new(2_500, hold.terms.deposit.currency());
    let phone = hold.customer.phone.clone().with_extension("0012").expect("an extension");
    Booking {
        customer: Customer { phone, ..hold.customer },
        is_staff_named: true,
        free_from: hold.free_from + SignedDuration::from_mins(15),
        checkout,
        payment: Some("pi_1".to_owned()),
        has_conflict: true,
        refund: Some(Refund { amount, attempt: 3 }),
        incidents: PaymentIncidents {
            second_payments: vec![
                SecondPayment {
                    payment: "pi_2".to_owned(),
                    refund: SecondRefund::Owed { attempt: 2 },
                },
                SecondPayment { payment: "pi_3".to_owned(), refund: SecondRefund::Made },
                SecondPayment { payment: "pi_4".to_owned(), refund: SecondRefund::Failed },
            ],
            warnings: WarningKind::ALL
                .map(|kind| PaymentWarning {
                    kind,
                    id: "du_1".to_owned(),
                    payment: "pi_1".to_owned(),
                    at: at(MADE + 120),
                })
                .to_vec(),
            refunded_by_hand: Some(amount),
        },
        hold_keys: vec![key("phone"), key("address")],
        request_key: Some(RequestKey("request".into())),
        check_at: Some(at(MADE + 180)),
        ..hold
    }
}

pub(crate) fn key(name: &str) -> HoldKey {
    HoldKey(name.into())
}
