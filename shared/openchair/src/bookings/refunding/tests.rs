use super::*;

#[test]
fn a_refund_is_what_stripe_lists_until_nothing_is_missing() {
    use RefundStatus::{Canceled, Failed, Pending, RequiresAction, Succeeded};
    let booking = testing::booking();
    let (ours, another) = (Some(booking.id.to_string()), Some("another".to_owned()));
    let refund = |status, amount, booking_id: &Option<String>| Refund {
        id: "re_1".to_owned(),
        status,
        amount,
        payment: Some("pi_1".to_owned()),
        booking_id: booking_id.clone(),
        paid_booking_id: None,
    };
    let cases = [
        (vec![], Progress::Missing(5_000)),
        (vec![refund(Succeeded, 2_000, &ours)], Progress::Missing(3_000)),
        (
            vec![refund(Succeeded, 1_000, &None), refund(Pending, 2_500, &ours)],
            Progress::Missing(1_500),
        ),
        (
            vec![refund(Succeeded, 3_000, &ours), refund(RequiresAction, 2_000, &None)],
            Progress::Pending,
        ),
        (vec![refund(Pending, 5_000, &ours)], Progress::Pending),
        (vec![refund(Succeeded, 5_000, &ours)], Progress::Made),
        (vec![refund(Succeeded, 3_000, &ours), refund(Succeeded, 3_000, &None)], Progress::Made),
        (vec![refund(Failed, 5_000, &ours)], Progress::Refused),
        (vec![refund(Canceled, 5_000, &ours)], Progress::Refused),
        (vec![refund(Failed, 5_000, &another)], Progress::Missing(5_000)),
        (vec![refund(Failed, 5_000, &None)], Progress::Missing(5_000)),
        (vec![refund(Failed, 5_000, &ours), refund(Succeeded, 5_000, &None)], Progress::Made),
    ];
    for (refunds, expected) in cases {
        let progress = progress_of(&refunds, &booking.id, booking.terms.deposit);
        assert_eq!(progress, expected, "{refunds:?}");
    }
}
