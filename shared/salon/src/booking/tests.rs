mod checks;
mod identity;
mod payment_incidents;

use crate::cancellation_terms::CancellationTerms;
use jiff::civil::date;
use proptest::prelude::*;

use super::super::customer::{Country, Phone};
use super::super::money::Currency;
use super::*;

const NOW: i64 = 1_795_500_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).expect("an instant")
}

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::from_code("usd").expect("a currency"))
}

fn staff(id: &str) -> StaffId {
    StaffId::new(id).expect("an id")
}

/// Makes a booking that just entered a state, two days before the appointment.
/// Half of the deposit is refunded on the last day.
fn booking(state: State) -> Booking {
    let start = 48 * 3_600;
    let was_paid = matches!(
        state,
        State::Confirmed | State::Refunding | State::Refunded | State::RefundFailed
    );
    let is_standby =
        matches!(state, State::Standby | State::InLine | State::Capturing | State::Released);
    let was_paid = was_paid || (is_standby && state != State::Standby);
    let is_going_back = matches!(state, State::Refunding | State::Refunded | State::RefundFailed);
    Booking {
        id: BookingId::from_bits(1),
        manage_token: ManageToken::from_bits(2),
        state,
        version: 1,
        service: ServiceId::new("1").expect("an id"),
        staff: staff("a"),
        is_staff_named: false,
        date: date(2026, 11, 26),
        appointment: Interval::new(at(start), at(start + 3_600)).expect("a span"),
        free_from: at(start + 4_500),
        customer: Customer {
            name: "Ada".parse().expect("a name"),
            phone: Phone::parse("+14155552671", Country::from_code("US").expect("a country"))
                .expect("a number"),
            email: "ada@example.com".parse().expect("an address"),
        },
        terms: Terms {
            price: usd(20_000),
            deposit: usd(5_000),
            cancellation: CancellationTerms { full_refund_hours: 24, late_refund_percent: 50 },
            retention_days: 400,
        },
        checkout: Checkout {
            ui: PaymentUi::Hosted,
            attempt: 1,
            idempotency_key: "checkout-1-1".to_owned(),
            form: String::new(),
            expires_at: at(0) + TIME_TO_PAY,
            offers_delayed: false,
            session: None,
        },
        payment: was_paid.then(|| "pi_1".to_owned()),
        has_conflict: false,
        refund: is_going_back.then(|| Refund { amount: usd(5_000), attempt: 1 }),
        incidents: PaymentIncidents::default(),
        hold_keys: Vec::new(),
        request_key: None,
        hold_until: at(600),
        is_standby,
        in_line_since: (state == State::InLine).then(|| at(0)),
        created_at: at(0),
        changed_at: at(0),
        check_at: (state == State::Released).then(|| at(0)),
    }
}

/// All events, in the order of the table's columns.
fn events() -> [BookingEvent; 8] {
    [
        BookingEvent::Paid("pi_1".to_owned()),
        BookingEvent::PaymentPending,
        BookingEvent::PaymentFailed,
        BookingEvent::SessionExpired,
        BookingEvent::Cancelled,
        BookingEvent::Refund(RefundOutcome::Made),
        BookingEvent::Refund(RefundOutcome::Refused),
        BookingEvent::Refund(RefundOutcome::TryAnew { attempt: 1 }),
    ]
}

/// Applies an event while nobody else is free.
fn apply(booking: &mut Booking, event: BookingEvent) -> Option<Transition> {
    booking.apply(event, &PaymentContext::default(), at(60))
}

#[test]
#[rustfmt::skip]
fn every_state_and_event_has_a_defined_outcome() {
    const NONE: Option<State> = None;
    const EXPIRED: Option<State> = Some(State::Expired);
    const CANCELLED: Option<State> = Some(State::Cancelled);
    const CONFIRMED: Option<State> = Some(State::Confirmed);
    const REFUNDING: Option<State> = Some(State::Refunding);
    const REFUNDED: Option<State> = Some(State::Refunded);
    const FAILED: Option<State> = Some(State::RefundFailed);
    const PROCESSING: Option<State> = Some(State::Processing);
    const RELEASED: Option<State> = Some(State::Released);
    let table = [
        //                     paid       pending     failed   expired  cancelled  made      refused try anew
        (State::Held,         [CONFIRMED, PROCESSING, EXPIRED, EXPIRED, CANCELLED, NONE,     NONE,   NONE]),
        (State::Processing,   [CONFIRMED, NONE,       EXPIRED, NONE,    CANCELLED, NONE,     NONE,   NONE]),
        (State::Confirmed,    [NONE,      NONE,       NONE,    NONE,    REFUNDING, NONE,     NONE,   NONE]),
        (State::Expired,      [REFUNDING, NONE,       NONE,    NONE,    NONE,      NONE,     NONE,   NONE]),
        (State::Cancelled,    [REFUNDING, NONE,       NONE,    NONE,    NONE,      NONE,     NONE,   NONE]),
        (State::Refunding,    [NONE,      NONE,       NONE,    NONE,    NONE,      REFUNDED, FAILED, REFUNDING]),
        (State::Refunded,     [NONE,      NONE,       NONE,    NONE,    NONE,      NONE,     FAILED, NONE]),
        (State::RefundFailed, [NONE,      NONE,       NONE,    NONE,    NONE,      REFUNDED, NONE,   NONE]),
        (State::Standby,      [REFUNDING, NONE,       RELEASED, EXPIRED, CANCELLED, NONE,     NONE,   NONE]),
        (State::InLine,       [REFUNDING, NONE,       NONE,    NONE,    RELEASED,  NONE,     NONE,   NONE]),
        (State::Capturing,    [CONFIRMED, NONE,       NONE,    NONE,    NONE,      NONE,     NONE,   NONE]),
        (State::Released,     [REFUNDING, NONE,       NONE,    NONE,    NONE,      NONE,     NONE,   NONE]),
    ];
    assert_eq!(table.each_ref().map(|(state, _)| *state), State::ALL);
    for (state, outcomes) in table {
        for (event, outcome) in events().into_iter().zip(outcomes) {
            let before = booking(state);
            let mut after = before.clone();
            let transition = apply(&mut after, event.clone());
            let expected = outcome.map(|to| Transition { from: state, to });
            assert_eq!(transition, expected, "{event:?} in {state}");
            assert_eq!(after.state, outcome.unwrap_or(state), "{event:?} in {state}");
            if transition.is_none() {
                assert_eq!(after, before, "{event:?} in {state} changes nothing");
            }
        }
    }
}

#[test]
fn a_repeated_event_changes_nothing() {
    for state in State::ALL {
        for event in events() {
            let mut once = booking(state);
            apply(&mut once, event.clone());
            let mut twice = once.clone();
            let again = twice.apply(event.clone(), &PaymentContext::default(), at(7_200));
            assert_eq!(again, None, "{event:?} again after {state}");
            assert_eq!(twice, once, "{event:?} again after {state}");
        }
    }
}

#[test]
fn a_late_payment_is_confirmed_if_a_staff_member_is_free() {
    let mut late = booking(State::Expired);
    let free = PaymentContext { free: Some(staff("b")), ..PaymentContext::default() };
    late.apply(BookingEvent::Paid("pi_1".to_owned()), &free, at(60));
    assert_eq!((late.state, late.staff, late.refund), (State::Confirmed, staff("b"), None));
}

#[test]
fn a_payment_that_conflicts_with_the_calendar_is_confirmed_and_flagged() {
    let mut held = booking(State::Held);
    let conflict = PaymentContext { has_conflict: true, ..PaymentContext::default() };
    held.apply(BookingEvent::Paid("pi_1".to_owned()), &conflict, at(60));
    assert_eq!((held.state, held.has_conflict), (State::Confirmed, true));
}

#[test]
fn a_cancellation_refunds_what_the_terms_allow_at_that_time() {
    let day = 24 * 3_600;
    let cases = [(0, Some(5_000)), (day, Some(5_000)), (day + 1, Some(2_500))];
    for (seconds, back) in cases {
        let mut confirmed = booking(State::Confirmed);
        confirmed.apply(BookingEvent::Cancelled, &PaymentContext::default(), at(seconds));
        let refund = confirmed.refund.map(|refund| refund.amount.amount());
        assert_eq!((confirmed.state, refund), (State::Refunding, back), "after {seconds} s");
    }
    let mut confirmed = booking(State::Confirmed);
    confirmed.terms.cancellation.late_refund_percent = 0;
    confirmed.apply(BookingEvent::Cancelled, &PaymentContext::default(), at(day + 1));
    assert_eq!((confirmed.state, confirmed.refund), (State::Cancelled, None));
    assert_eq!(
        apply(&mut confirmed, BookingEvent::Paid("pi_1".to_owned())),
        None,
        "nothing comes back"
    );
}

#[test]
fn a_booking_cancelled_during_processing_awaits_its_payment() {
    let mut cancelled = booking(State::Processing);
    apply(&mut cancelled, BookingEvent::Cancelled);
    assert!(cancelled.awaits_payment());
    assert!(cancelled.check_at.is_some(), "it is checked at Stripe");
    assert_eq!(cancelled.delete_at(), None);

    let mut paid = cancelled.clone();
    apply(&mut paid, BookingEvent::Paid("pi_1".to_owned()));
    let back = paid.refund.map(|refund| refund.amount);
    assert_eq!((paid.state, back), (State::Refunding, Some(usd(5_000))));

    apply(&mut cancelled, BookingEvent::PaymentFailed);
    assert_eq!((cancelled.state, cancelled.check_at), (State::Cancelled, None));
    assert!(cancelled.delete_at().is_some());
    assert_eq!(apply(&mut cancelled, BookingEvent::PaymentFailed), None);
}

#[test]
#[rustfmt::skip]
fn every_state_and_event_of_the_line_has_a_defined_outcome() {
    const NONE: Option<State> = None;
    const LINE: Option<State> = Some(State::InLine);
    const CAPTURE: Option<State> = Some(State::Capturing);
    const RELEASED: Option<State> = Some(State::Released);
    let events = [
        BookingEvent::Authorised("pi_1".to_owned()),
        BookingEvent::TimeFree,
        BookingEvent::TimeTaken,
        BookingEvent::CaptureFailed,
        BookingEvent::AuthorisationCancelled,
    ];
    for state in State::ALL {
        let outcomes = match state {
            //                 authorised free   taken     failed    cancelled
            State::Standby   => [LINE, NONE,    NONE,     NONE,     NONE],
            State::InLine    => [NONE, CAPTURE, RELEASED, NONE,     NONE],
            State::Capturing => [NONE, NONE,    NONE,     RELEASED, NONE],
            State::Released  => [NONE, NONE,    NONE,     NONE,     RELEASED],
            _ => [NONE; 5],
        };
        for (event, outcome) in events.iter().zip(outcomes) {
            let mut after = booking(state);
            let transition = apply(&mut after, event.clone());
            assert_eq!(transition, outcome.map(|to| Transition { from: state, to }), "{event:?}");
        }
    }
}

#[test]
fn an_authorisation_is_kept_in_mind_until_it_is_cancelled() {
    for state in [State::Expired, State::Cancelled] {
        let mut left = Booking { is_standby: true, ..booking(state) };
        let authorised = BookingEvent::Authorised("pi_1".to_owned());
        assert_eq!(apply(&mut left, authorised).map(|it| it.to), Some(State::Released));
        assert!(left.authorises() && left.delete_at().is_none());
        apply(&mut left, BookingEvent::AuthorisationCancelled).expect("a change");
        assert!(!left.authorises() && left.delete_at().is_some());
        assert_eq!(apply(&mut left, BookingEvent::AuthorisationCancelled), None);
    }
}

#[test]
fn a_time_that_a_calendar_has_taken_meanwhile_is_not_charged() {
    let mut waiting = booking(State::InLine);
    let context = PaymentContext { has_conflict: true, free: None };
    let transition = waiting.apply(BookingEvent::TimeFree, &context, at(60));
    assert_eq!(transition.map(|it| it.to), Some(State::Released));
}

#[test]
fn each_state_has_its_entry_limit_and_deletion_time() {
    let after_a_week = Some(at(7 * 24 * 3_600));
    let long_after = Some(at(49 * 3_600 + 400 * 24 * 3_600));
    let hold = Some(at(600));
    let table = [
        (State::Held, Some(hold), hold, None),
        (State::Processing, Some(None), Some(at(30 * 24 * 3_600)), None),
        (State::Confirmed, Some(None), None, long_after),
        (State::Expired, None, None, after_a_week),
        (State::Cancelled, None, None, after_a_week),
        (State::Refunding, None, None, None),
        (State::Refunded, None, None, long_after),
        (State::RefundFailed, None, None, long_after),
        (State::Standby, None, hold, None),
        (State::InLine, None, hold, None),
        (State::Capturing, Some(None), None, None),
        (State::Released, None, None, None),
    ];
    assert_eq!(table.each_ref().map(|(state, ..)| *state), State::ALL);
    for (state, until, counts_as_hold_until, delete_at) in table {
        let booking = booking(state);
        assert_eq!(booking.entry().map(|entry| entry.until), until, "{state} keeps its time");
        assert_eq!(booking.counts_as_hold_until(), counts_as_hold_until, "{state} counts");
        assert_eq!(booking.delete_at(), delete_at, "{state} is deleted");
    }
}

#[test]
fn an_entry_is_marked_while_its_payment_may_be_delayed() {
    let is_marked = |state, offers_delayed| {
        let booking = booking(state);
        let checkout = Checkout { offers_delayed, ..booking.checkout.clone() };
        Booking { checkout, ..booking }.entry().map(|entry| entry.may_be_delayed)
    };
    assert_eq!(is_marked(State::Held, true), Some(true));
    assert_eq!(is_marked(State::Held, false), Some(false));
    assert_eq!(is_marked(State::Processing, true), Some(true));
    assert_eq!(is_marked(State::Processing, false), Some(true), "of an earlier version");
    assert_eq!(is_marked(State::Confirmed, true), Some(false));
    assert_eq!(is_marked(State::Capturing, true), Some(false));
}

/// Returns the possible event histories of a session: paid at once, paid later,
/// failed later, expired.
fn histories() -> [Vec<BookingEvent>; 4] {
    let paid = || BookingEvent::Paid("pi_1".to_owned());
    [
        vec![paid()],
        vec![BookingEvent::PaymentPending, paid()],
        vec![BookingEvent::PaymentPending, BookingEvent::PaymentFailed],
        vec![BookingEvent::SessionExpired],
    ]
}

/// Draws a history with its events shuffled and some repeated.
fn shuffled_history() -> impl Strategy<Value = (bool, bool, Vec<BookingEvent>)> {
    let picks = proptest::collection::vec(any::<proptest::sample::Index>(), 0..6);
    (0..4_usize, any::<bool>(), picks).prop_flat_map(|(number, is_cancelled, picks)| {
        let mut events = histories()[number].clone();
        events.extend(is_cancelled.then_some(BookingEvent::Cancelled));
        let again: Vec<BookingEvent> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
        events.extend(again);
        (Just(number < 2), Just(is_cancelled), Just(events).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn events_in_any_order_end_in_a_confirmed_booking_or_a_refund(
        (is_paid, is_cancelled, events) in shuffled_history(),
    ) {
        let mut booking = booking(State::Held);
        for event in events {
            apply(&mut booking, event);
        }
        let back = booking.refund.map(|refund| refund.amount.amount());
        let (states, expected_back) = match (is_paid, is_cancelled) {
            (true, false) => (&[State::Confirmed][..], None),
            (true, true) => (&[State::Refunding][..], Some(5_000)),
            (false, _) => (&[State::Expired, State::Cancelled][..], None),
        };
        prop_assert!(states.contains(&booking.state), "{}", booking.state);
        prop_assert_eq!(back, expected_back);
        prop_assert_eq!(booking.payment.is_some(), is_paid);
    }
}
