use jiff::Timestamp;
use jiff::civil::Date;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use salon::booking::{PaymentIncidents, PaymentWarning, SecondPayment, SecondRefund, WarningKind};
use salon::cancellation_terms::CancellationTerms;

use super::*;
use salon::payment_ui::PaymentUi;

fn instants() -> impl Strategy<Value = Timestamp> {
    (0_i64..10_000_000_000).prop_map(|second| Timestamp::from_second(second).expect("an instant"))
}

fn spans() -> impl Strategy<Value = Interval<Timestamp>> {
    (0_i64..10_000_000_000, 1_i64..86_400).prop_map(|(start, length)| {
        let at = |second| Timestamp::from_second(second).expect("an instant");
        Interval::new(at(start), at(start + length)).expect("a span")
    })
}

fn amounts() -> impl Strategy<Value = Money> {
    let currencies = select(Currency::codes().collect::<Vec<_>>());
    (any::<i64>(), currencies).prop_map(|(amount, code)| {
        Money::new(amount, Currency::from_code(code).expect("a currency"))
    })
}

fn checkouts() -> impl Strategy<Value = Checkout> {
    let session = (".{1,20}", option::of(".{0,20}"), option::of(".{0,20}"));
    let session = session.prop_map(|(id, client_secret, url)| Session { id, client_secret, url });
    let ui = select(vec![PaymentUi::Hosted, PaymentUi::Embedded, PaymentUi::Elements]);
    (ui, any::<u32>(), ".{0,20}", ".{0,20}", instants(), any::<bool>(), option::of(session))
        .prop_map(|(ui, attempt, idempotency_key, form, expires_at, offers_delayed, session)| {
            Checkout { ui, attempt, idempotency_key, form, expires_at, offers_delayed, session }
        })
}

fn terms() -> impl Strategy<Value = Terms> {
    (amounts(), amounts(), any::<u32>(), any::<u8>(), any::<u32>()).prop_map(
        |(price, deposit, full_refund_hours, late_refund_percent, retention_days)| Terms {
            price,
            deposit,
            cancellation: CancellationTerms { full_refund_hours, late_refund_percent },
            retention_days,
        },
    )
}

fn customers() -> impl Strategy<Value = Customer> {
    let number =
        "\\+[1-9][0-9]{6,14}".prop_map(|number| Phone::from_e164(&number).expect("a number"));
    let phone =
        (number, option::of("[0-9]{1,10}")).prop_map(|(phone, extension)| match extension {
            None => phone,
            Some(digits) => phone.with_extension(&digits).expect("an extension"),
        });
    // Names and addresses may have been stored under older rules.
    let name =
        "[^\\pC\\pZ]{1,50}".prop_map(|name| CustomerName::from_stored(&name).expect("a name"));
    let emails = prop_oneof![
        "[a-zA-Z]{1,20}@[a-z]{1,20}\\.example",
        "\"[a-z ]{1,20}\"@[a-z]{1,20}\\.example"
    ];
    let email = emails.prop_map(|email| Email::from_stored(&email).expect("an address"));
    (name, phone, email).prop_map(|(name, phone, email)| Customer { name, phone, email })
}

prop_compose! {
    fn incidents()(
        seconds in prop::collection::vec((".{1,20}", option::of(any::<u32>()), any::<bool>()), 0..3),
        warnings in prop::collection::vec((any::<bool>(), ".{1,20}", ".{1,20}", instants()), 0..3),
        refunded_by_hand in option::of(amounts()),
    ) -> PaymentIncidents {
        let refund = |attempt: Option<u32>, is_made| match attempt {
            Some(attempt) => SecondRefund::Owed { attempt },
            None if is_made => SecondRefund::Made,
            None => SecondRefund::Failed,
        };
        let seconds = seconds.into_iter().map(|(payment, attempt, is_made)| {
            SecondPayment { payment, refund: refund(attempt, is_made) }
        });
        let warnings = warnings.into_iter().map(|(is_dispute, id, payment, at)| PaymentWarning {
            kind: if is_dispute { WarningKind::Dispute } else { WarningKind::EarlyFraudWarning },
            id,
            payment,
            at,
        });
        let (second_payments, warnings) = (seconds.collect(), warnings.collect());
        PaymentIncidents { second_payments, warnings, refunded_by_hand }
    }
}

prop_compose! {
    fn bookings()(
        (id, token, version) in (any::<u128>(), any::<u128>(), any::<u64>()),
        state in select(State::ALL.to_vec()),
        (service, staff) in ("[a-zA-Z0-9._-]{1,40}", "[a-zA-Z0-9._-]{1,40}"),
        (is_staff_named, has_conflict) in any::<(bool, bool)>(),
        (year, day) in (1970_i16..3000, 1_i16..=365),
        appointment in spans(),
        (free_from, hold_until, created_at, changed_at) in (instants(), instants(), instants(), instants()),
        customer in customers(),
        terms in terms(),
        checkout in checkouts(),
        payment in option::of(".{0,20}"),
        refund in option::of((amounts(), any::<u32>())),
        incidents in incidents(),
        hold_keys in prop::collection::vec(".{1,20}", 0..4),
        (request_key, check_at) in (option::of(".{1,20}"), option::of(instants())),
        (is_standby, in_line_since) in (any::<bool>(), option::of(instants())),
    ) -> Booking {
        Booking {
            id: BookingId::from_bits(id),
            manage_token: ManageToken::from_bits(token),
            state,
            version,
            service: ServiceId::new(&service).expect("an id"),
            staff: StaffId::new(&staff).expect("an id"),
            is_staff_named,
            date: Date::new(year, 1, 1).expect("a date").with().day_of_year(day).build().expect("a date"),
            appointment,
            free_from,
            customer,
            terms,
            checkout,
            payment,
            has_conflict,
            refund: refund.map(|(amount, attempt)| Refund { amount, attempt }),
            incidents,
            hold_keys: hold_keys.into_iter().map(|key| HoldKey(key.into())).collect(),
            request_key: request_key.map(|key| RequestKey(key.into())),
            hold_until,
            is_standby,
            in_line_since,
            created_at,
            changed_at,
            check_at,
        }
    }
}

proptest! {
    #[test]
    fn a_booking_is_restored_from_its_item(kept in bookings()) {
        let item = booking_item(&kept);
        prop_assert_eq!(booking(&item).expect("readable"), kept);
    }
}
