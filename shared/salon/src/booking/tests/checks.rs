//! What a booking needs next: a look at Stripe, or at the salon.

use super::*;

const HOUR: i64 = 3_600;

#[test]
fn a_new_state_says_when_stripe_is_asked_next() {
    let paid = || BookingEvent::Paid("pi_1".to_owned());
    let authorised = || BookingEvent::Authorised("pi_1".to_owned());
    let table = [
        (State::Held, paid(), State::Confirmed, None),
        (State::Held, BookingEvent::PaymentPending, State::Processing, Some(at(60 + HOUR))),
        (State::Held, BookingEvent::Cancelled, State::Cancelled, None),
        (State::Processing, BookingEvent::Cancelled, State::Cancelled, Some(at(60 + HOUR))),
        (State::Confirmed, BookingEvent::Cancelled, State::Refunding, Some(at(60))),
        (State::Standby, authorised(), State::InLine, Some(at(60))),
        (State::Standby, BookingEvent::PaymentFailed, State::Released, None),
        (State::InLine, BookingEvent::TimeFree, State::Capturing, Some(at(60))),
        (State::InLine, BookingEvent::TimeTaken, State::Released, Some(at(60))),
        (State::Released, BookingEvent::AuthorisationCancelled, State::Released, None),
    ];
    for (from, event, to, check_at) in table {
        let mut booking = booking(from);
        apply(&mut booking, event.clone()).unwrap_or_else(|| panic!("{event:?} in {from}"));
        assert_eq!((booking.state, booking.check_at), (to, check_at), "{event:?} in {from}");
        assert_eq!(booking.changed_at, at(60), "{event:?} in {from}");
    }
    assert_eq!(Booking::first_check(at(0)), at(180), "a new hold, after three minutes");
}

#[test]
fn the_salon_is_asked_only_where_a_payment_depends_on_it() {
    for state in State::ALL {
        let needs = |event| booking(state).needs_payment_context(&event);
        let may_be_paid_for =
            matches!(state, State::Held | State::Processing | State::Expired | State::Capturing);
        assert_eq!(needs(BookingEvent::Paid("pi_1".to_owned())), may_be_paid_for, "{state}");
        assert_eq!(needs(BookingEvent::TimeFree), state == State::InLine, "{state}");
        assert!(!needs(BookingEvent::Cancelled) && !needs(BookingEvent::TimeTaken), "{state}");
    }
}

#[test]
fn a_refund_is_attempted_anew_once_for_each_failed_attempt() {
    let mut refunding = booking(State::Refunding);
    let anew = |attempt| BookingEvent::Refund(RefundOutcome::TryAnew { attempt });
    for (failed, is_next, attempt) in [(1, true, 2), (1, false, 2), (2, true, 3), (2, false, 3)] {
        assert_eq!(apply(&mut refunding, anew(failed)).is_some(), is_next, "after {failed}");
        assert_eq!(refunding.refund.map(|refund| refund.attempt), Some(attempt));
    }
}

#[test]
fn a_second_authorisation_does_not_change_a_booking_that_is_over() {
    let authorised = BookingEvent::Authorised("pi_2".to_owned());
    for state in [State::Expired, State::Cancelled] {
        let paid = Some("pi_1".to_owned());
        let mut over = Booking { is_standby: true, payment: paid.clone(), ..booking(state) };
        assert_eq!(apply(&mut over, authorised.clone()), None, "{state}");
        assert_eq!((over.state, over.payment), (state, paid));
    }
}

#[test]
fn whoever_is_in_line_has_their_place_from_the_authorisation_on() {
    let mut standby = booking(State::Standby);
    assert_eq!(standby.place_in_line(), None);
    apply(&mut standby, BookingEvent::Authorised("pi_1".to_owned())).expect("a change");
    let place = standby.place_in_line().expect("a place");
    assert_eq!((place.booking_id, place.since), (standby.id.clone(), at(60)));
    assert_eq!(place.taken, standby.taken());
    apply(&mut standby, BookingEvent::TimeFree).expect("a change");
    assert_eq!(standby.place_in_line(), None);
    assert_eq!(standby.in_line_since, Some(at(60)), "it is kept for the record");
}

#[test]
fn an_appointment_takes_its_buffer_too() {
    let booking = booking(State::Confirmed);
    let start = booking.appointment.start();
    assert_eq!(
        booking.taken(),
        Interval::new(start, start + SignedDuration::from_mins(75)).expect("a span")
    );
}

#[test]
fn a_cancelled_or_released_booking_is_kept_while_money_may_still_move() {
    let cases = [
        // state, paid, to be checked, awaits a payment, is authorised, is deleted some time
        (State::Cancelled, false, false, false, false, true),
        (State::Cancelled, false, true, true, false, false),
        (State::Released, true, false, false, false, true),
        (State::Released, true, true, false, true, false),
        (State::Held, false, true, false, false, false),
        (State::Confirmed, true, true, false, false, true),
    ];
    for (state, is_paid, is_checked, awaits, authorises, is_deleted) in cases {
        let payment = is_paid.then(|| "pi_1".to_owned());
        let check_at = is_checked.then(|| at(0));
        let booking = Booking { payment, check_at, ..booking(state) };
        let found = (booking.awaits_payment(), booking.authorises(), booking.delete_at().is_some());
        assert_eq!(found, (awaits, authorises, is_deleted), "{state}, checked: {is_checked}");
    }
    let delete_at = |state, payment: Option<&str>| {
        let payment = payment.map(str::to_owned);
        Booking { payment, check_at: None, ..booking(state) }.delete_at()
    };
    let (a_week, long) = (Some(at(7 * 24 * HOUR)), Some(at(49 * HOUR + 400 * 24 * HOUR)));
    assert_eq!(delete_at(State::Released, Some("pi_1")), a_week, "it was never charged");
    assert_eq!(delete_at(State::Cancelled, Some("pi_1")), long, "it was paid");
    assert_eq!(delete_at(State::Expired, None), a_week);
}
