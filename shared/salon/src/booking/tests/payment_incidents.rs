use super::*;

fn warning(id: &str, payment: &str) -> BookingEvent {
    let (id, payment) = (id.to_owned(), payment.to_owned());
    BookingEvent::Warned(PaymentWarning { kind: WarningKind::Dispute, id, payment, at: at(60) })
}

#[test]
fn a_second_payment_is_refunded_and_changes_no_state() {
    for state in State::ALL {
        for event in [BookingEvent::Paid, BookingEvent::PaidElsewhere] {
            let before = Booking { payment: Some("pi_1".to_owned()), ..booking(state) };
            let mut after = before.clone();
            let second = event("pi_2".to_owned());
            let transition = apply(&mut after, second.clone());
            assert_eq!(transition, Some(Transition { from: state, to: state }));
            let owed = SecondRefund::Owed { attempt: 1 };
            let expected = SecondPayment { payment: "pi_2".to_owned(), refund: owed };
            assert_eq!(after.incidents.second_payments, [expected], "{state}");
            assert!(after.incidents.owes_refund());
            assert_eq!(after.delete_at(), None, "money is owed");
            assert_eq!(apply(&mut after, second), None, "the same payment again");
            let incidents = before.incidents.clone();
            assert_eq!(Booking { incidents, ..after }, before, "nothing else has changed");
        }
    }
}

#[test]
fn a_payment_of_another_amount_is_left_to_a_person() {
    for state in State::ALL {
        let mut booking = Booking { payment: Some("pi_1".to_owned()), ..booking(state) };
        let other = |payment: &str| BookingEvent::OtherAmountPaid(payment.to_owned());
        assert_eq!(apply(&mut booking, other("pi_1")), None, "it is the booking's own");
        let transition = apply(&mut booking, other("pi_2"));
        assert_eq!(transition, Some(Transition { from: state, to: state }));
        assert_eq!(apply(&mut booking, other("pi_2")), None, "the same payment again");
        let payment = "pi_2".to_owned();
        let expected = SecondPayment { payment, refund: SecondRefund::Failed };
        assert_eq!(booking.incidents.second_payments, [expected]);
        assert!(!booking.incidents.owes_refund());
    }
}

#[test]
fn the_refund_of_a_second_payment_ends_once() {
    use RefundOutcome::{Made, Refused, TryAnew};
    let second = |outcome| BookingEvent::SecondRefund("pi_2".to_owned(), outcome);
    let cases: [(&[RefundOutcome], SecondRefund); 6] = [
        (&[Made, Made], SecondRefund::Made),
        (&[Refused, TryAnew { attempt: 1 }], SecondRefund::Failed),
        (&[Refused, Made], SecondRefund::Made),
        // The bank has sent the money back.
        (&[Made, Refused], SecondRefund::Failed),
        (&[TryAnew { attempt: 1 }, TryAnew { attempt: 1 }], SecondRefund::Owed { attempt: 2 }),
        (&[TryAnew { attempt: 1 }, Made], SecondRefund::Made),
    ];
    for (outcomes, expected) in cases {
        let mut paid = booking(State::Confirmed);
        apply(&mut paid, BookingEvent::Paid("pi_2".to_owned())).expect("a second payment");
        for outcome in outcomes {
            apply(&mut paid, second(*outcome));
        }
        assert_eq!(paid.incidents.second_payments[0].refund, expected, "{outcomes:?}");
        assert_eq!(paid.state, State::Confirmed);
    }
    assert_eq!(apply(&mut booking(State::Confirmed), second(Made)), None, "no such payment");
}

#[test]
fn a_full_refund_by_hand_cancels_a_confirmed_booking_before_its_start() {
    let start = 48 * 3_600;
    for (seconds, is_cancelled) in [(0, true), (start - 1, true), (start, false)] {
        let mut confirmed = booking(State::Confirmed);
        let context = PaymentContext::default();
        let transition = confirmed.apply(BookingEvent::RefundedByHand, &context, at(seconds));
        let to = if is_cancelled { State::Refunding } else { State::Confirmed };
        assert_eq!(transition, Some(Transition { from: State::Confirmed, to }), "{seconds} s");
        let refund = confirmed.refund.map(|refund| refund.amount);
        assert_eq!(refund, is_cancelled.then(|| usd(5_000)), "after {seconds} s");
        assert_eq!(confirmed.incidents.refunded_by_hand, Some(usd(5_000)));
        let again = confirmed.apply(BookingEvent::RefundedByHand, &context, at(seconds));
        assert_eq!(again, None, "the same refund again");
    }
    for state in State::ALL.into_iter().filter(|state| *state != State::Confirmed) {
        assert_eq!(apply(&mut booking(state), BookingEvent::RefundedByHand), None, "{state}");
    }
}

#[test]
fn a_contested_payment_is_not_refunded_to_a_client_who_cancels() {
    for (payment, expected) in [("pi_1", State::Cancelled), ("pi_2", State::Refunding)] {
        let mut contested = booking(State::Confirmed);
        apply(&mut contested, warning("du_1", payment)).expect("news");
        assert_eq!(apply(&mut contested, warning("du_1", payment)), None, "the same dispute");
        assert!(apply(&mut contested, warning("issfr_1", payment)).is_some(), "another");
        assert_eq!(contested.state, State::Confirmed);
        apply(&mut contested, BookingEvent::Cancelled);
        assert_eq!(contested.state, expected, "{payment} is contested");
    }
}

#[test]
fn a_kind_of_warning_is_found_by_its_name() {
    for kind in WarningKind::ALL {
        assert_eq!(WarningKind::from_name(kind.as_str()), Some(kind));
    }
    let names = WarningKind::ALL.map(WarningKind::as_str);
    assert_eq!(names, ["dispute", "early_fraud_warning"]);
    assert_eq!(WarningKind::from_name("Dispute"), None);
}

#[test]
fn a_booking_with_an_incident_is_kept_as_long_as_one_that_was_paid() {
    let mut expired = booking(State::Expired);
    assert!(expired.incidents.is_empty());
    let unpaid = expired.delete_at();
    apply(&mut expired, BookingEvent::PaidElsewhere("pi_2".to_owned())).expect("news");
    let made = BookingEvent::SecondRefund("pi_2".to_owned(), RefundOutcome::Made);
    apply(&mut expired, made).expect("news");
    assert!(!expired.incidents.is_empty() && !expired.incidents.owes_refund());
    assert_eq!(expired.delete_at(), booking(State::Confirmed).delete_at());
    assert_ne!(expired.delete_at(), unpaid);
}
