use super::*;
use crate::booking::State;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

fn id(number: u128) -> BookingId {
    BookingId::from_bits(number)
}

fn entry(number: u128, start: i64, end: i64, until: Option<i64>) -> Entry {
    let appointment = Interval::new(at(start), at(end)).expect("a span");
    Entry::new(id(number), appointment, at(end), until.map(at)).expect("an entry")
}

#[test]
fn a_hold_ends_exactly_at_until_and_a_booking_never_ends() {
    let sheet = DaySheet::new(2, vec![entry(1, 100, 200, Some(50)), entry(2, 300, 400, None)]);
    let starts =
        |now| sheet.busy(at(now)).iter().map(|span| span.start().as_second()).collect::<Vec<_>>();
    assert_eq!(starts(49), [100, 300]);
    assert_eq!(starts(50), [300], "a hold has ended at `until`");
    assert_eq!(starts(1_000), [300]);
}

#[test]
fn an_ended_hold_is_unsettled_until_it_is_removed() {
    let sheet = DaySheet::new(1, vec![entry(1, 100, 200, Some(50))]);
    let time = Interval::new(at(150), at(160)).expect("a span");
    let due = |now| {
        sheet.unsettled_holds_in(time, at(now)).map(|e| e.booking_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(due(49), []);
    assert_eq!(due(50), [id(1)]);
    assert!(sheet.is_taken_by_another(time, &id(2)));
    assert!(!sheet.is_taken_by_another(time, &id(1)), "a booking does not conflict with itself");
}

fn place(number: u128, since: i64, start: i64, end: i64) -> PlaceInLine {
    let taken = Interval::new(at(start), at(end)).expect("a span");
    PlaceInLine { booking_id: id(number), since: at(since), taken }
}

#[test]
fn the_line_is_served_in_order_once_nothing_is_in_the_way() {
    use NextInLine::{Settle, TimeFree, TimeTaken, Wait};
    type Case<'a> = (&'a str, &'a [&'a Entry], &'a [&'a PlaceInLine], i64, NextInLine);
    let hold = entry(1, 100, 200, Some(50));
    let later_hold = entry(2, 200, 300, Some(70));
    let paid = entry(3, 100, 200, None);
    let (first, second) = (place(11, 10, 100, 200), place(12, 20, 150, 250));
    let apart = place(13, 30, 400, 500);
    let cases: &[Case<'_>] = &[
        ("nobody is in line", &[&hold], &[], 90, Wait),
        ("the hold lasts", &[&hold], &[&first], 49, Wait),
        ("the hold has ended", &[&hold], &[&first], 50, Settle(id(1))),
        ("it is settled", &[], &[&first], 50, TimeFree(id(11))),
        ("it was paid", &[&paid], &[&first], 40, TimeTaken(id(11))),
        ("the first comes first", &[], &[&second, &first], 50, TimeFree(id(11))),
        ("one of two holds lasts", &[&hold, &later_hold], &[&second], 60, Wait),
        ("nobody overtakes", &[&entry(4, 100, 140, Some(70))], &[&first, &second], 60, Wait),
        ("other times do not wait", &[&hold], &[&first, &apart], 40, TimeFree(id(13))),
    ];
    for (case, entries, line, now, expected) in cases {
        let entries = entries.iter().copied().cloned().collect();
        let line = line.iter().copied().cloned().collect();
        let sheet = DaySheet::new(1, entries).with_line(line);
        assert_eq!(sheet.next_in_line(at(*now)), *expected, "{case}");
    }
}

#[test]
fn whoever_is_in_line_keeps_later_holds_away() {
    let sheet = DaySheet::new(1, vec![entry(1, 100, 200, Some(50))])
        .with_line(vec![place(2, 10, 150, 250)]);
    let taken = |now| {
        let spans = sheet.busy(at(now));
        spans.iter().map(|s| (s.start().as_second(), s.end().as_second())).collect::<Vec<_>>()
    };
    assert_eq!(taken(40), [(100, 250)]);
    assert_eq!(taken(60), [(150, 250)], "the hold has ended, and the line stays");
    assert!(sheet.paid().is_empty());
    let time = Interval::new(at(150), at(160)).expect("a span");
    assert_eq!(sheet.holds_end(time, at(40)), Some(at(50)));
    assert_eq!(sheet.holds_end(time, at(60)), None);
    assert!(sheet.is_wanted(time));
}

#[test]
fn two_payments_may_be_delayed_even_if_their_holds_have_ended() {
    let delayed = |number, until| {
        let start = 100 * i64::try_from(number).expect("a small number");
        Entry { may_be_delayed: true, ..entry(number, start, start + 100, until) }
    };
    let other = entry(9, 1_000, 1_100, None);
    let (ended, processing) = (delayed(1, Some(50)), delayed(2, None));
    let sheet = |entries: &[&Entry]| {
        DaySheet::new(1, entries.iter().copied().cloned().collect()).has_room_for_delayed()
    };
    assert!(sheet(&[]));
    assert!(sheet(&[&other, &ended]));
    assert!(sheet(&[&other, &processing]));
    assert!(!sheet(&[&other, &ended, &processing]));
}

#[test]
fn only_a_change_makes_a_next_version() {
    let hold = entry(1, 100, 200, Some(50));
    let booking = entry(1, 100, 200, None);
    let first =
        DaySheet::default().with_places(&id(1), Some(hold.clone()), None).expect("a change");
    assert_eq!(first, DaySheet::new(1, vec![hold.clone()]));
    assert_eq!(first.with_places(&id(1), Some(hold), None), None);
    let booked = first.with_places(&id(1), Some(booking.clone()), None).expect("a change");
    assert_eq!(booked, DaySheet::new(2, vec![booking]));
    assert_eq!(booked.with_places(&id(1), None, None), Some(DaySheet::new(3, vec![])));
    assert_eq!(booked.with_places(&id(2), None, None), None);
}

#[test]
fn an_entry_takes_its_time_until_its_person_is_free_again() {
    let appointment = Interval::new(at(100), at(200)).expect("a span");
    let entry = |free_from| Entry::new(id(1), appointment, at(free_from), None);
    assert_eq!(entry(199), None, "nobody is free before the end");
    assert_eq!(entry(200).map(|entry| entry.taken()), Some(appointment));
    assert_eq!(entry(230).map(|entry| entry.taken().end()), Some(at(230)));
}

#[test]
fn the_length_of_a_sheet_includes_its_buffers() {
    assert_eq!(DaySheet::default().booked(), SignedDuration::ZERO);
    let appointment = Interval::new(at(300), at(400)).expect("a span");
    let buffered = Entry::new(id(2), appointment, at(450), None).expect("an entry");
    let sheet = DaySheet::new(1, vec![entry(1, 100, 200, Some(50)), buffered]);
    assert_eq!(sheet.booked(), SignedDuration::from_secs(250));
}

#[test]
fn only_what_touches_a_time_is_in_its_way() {
    let sheet = DaySheet::new(1, vec![entry(1, 100, 200, Some(50)), entry(2, 200, 300, Some(70))])
        .with_line(vec![place(3, 10, 100, 200)]);
    let time = |start, end| Interval::new(at(start), at(end)).expect("a span");
    let unsettled = |time, now| sheet.unsettled_holds_in(time, at(now)).count();
    // the time, the end of its last hold, ended holds at 60, taken from booking 1, wanted
    let cases = [
        (time(0, 100), None, 0, false, false),
        (time(50, 101), Some(at(50)), 1, false, true),
        (time(150, 250), Some(at(70)), 1, true, true),
        (time(200, 210), Some(at(70)), 0, true, false),
        (time(300, 400), None, 0, false, false),
    ];
    for (time, holds_end, ended, is_taken, is_wanted) in cases {
        assert_eq!(sheet.holds_end(time, at(49)), holds_end, "{time:?}");
        assert_eq!(unsettled(time, 60), ended, "{time:?}");
        assert_eq!(sheet.is_taken_by_another(time, &id(1)), is_taken, "{time:?}");
        assert_eq!(sheet.is_wanted(time), is_wanted, "{time:?}");
    }
    assert_eq!(sheet.holds_end(time(100, 200), at(50)), None, "it has ended at `until`");
    let paid = DaySheet::new(1, vec![entry(1, 100, 200, None), entry(2, 300, 400, Some(50))]);
    assert_eq!(paid.holds_end(time(100, 200), at(0)), None, "a booking does not end");
    assert_eq!(paid.paid(), [time(100, 200)].into_iter().collect());
}

#[test]
fn whoever_authorised_first_is_first_in_line() {
    let line = vec![place(3, 20, 0, 9), place(2, 10, 0, 9), place(1, 20, 0, 9)];
    let sheet = DaySheet::new(7, vec![entry(1, 100, 200, None)]).with_line(line);
    let order: Vec<BookingId> = sheet.line().iter().map(|place| place.booking_id.clone()).collect();
    assert_eq!(order, [id(2), id(1), id(3)]);
    assert_eq!((sheet.version(), sheet.entries().count()), (7, 1));
}

#[test]
fn a_booking_is_taken_off_its_sheet() {
    let line = vec![place(1, 10, 100, 200), place(2, 20, 100, 200)];
    let sheet = DaySheet::new(7, vec![entry(1, 100, 200, None), entry(2, 300, 400, None)]);
    let without = sheet.with_line(line).without(&id(1));
    let left: Vec<BookingId> = without.entries().map(|entry| entry.booking_id.clone()).collect();
    assert_eq!((left, without.line().len(), without.version()), (vec![id(2)], 1, 7));
    assert_eq!(without.line()[0].booking_id, id(2));
}

#[test]
fn a_sheet_has_the_entry_and_the_place_that_its_booking_has() {
    let mut booking = crate::booking::sample();
    let sheet = DaySheet::default().with(&booking).expect("a change");
    assert_eq!(sheet.entries().cloned().collect::<Vec<_>>(), [booking.entry().expect("confirmed")]);
    assert_eq!(sheet.with(&booking), None);
    (booking.state, booking.in_line_since) = (State::InLine, Some(at(10)));
    let in_line = sheet.with(&booking).expect("a change");
    assert_eq!((in_line.entries().count(), in_line.version()), (0, 2));
    let own = booking.place_in_line().expect("in line");
    assert_eq!(in_line.line(), std::slice::from_ref(&own));

    let other = place(2, 5, 100, 200);
    let both = sheet.with_line(vec![other.clone()]).with(&booking).expect("a change");
    assert_eq!(both.line(), [other.clone(), own]);
    booking.state = State::Released;
    assert_eq!(both.with(&booking).expect("a change").line(), [other], "only its own place ends");
}

#[test]
fn entries_are_in_the_order_of_their_appointments() {
    let mut sheet = DaySheet::default();
    for (number, start) in [(1, 300), (2, 100), (3, 200)] {
        let entry = entry(number, start, start + 50, None);
        sheet = sheet.with_places(&id(number), Some(entry), None).expect("a change");
    }
    let starts: Vec<i64> = sheet.entries().map(|it| it.appointment.start().as_second()).collect();
    assert_eq!((starts, sheet.version()), (vec![100, 200, 300], 3));
}
