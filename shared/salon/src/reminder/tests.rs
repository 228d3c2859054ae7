use jiff::tz::TimeZone;

use super::*;
use crate::booking::sample;
use crate::interval::Interval;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn los_angeles() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("a zone")
}

fn quiet(from: &str, until: &str) -> Option<QuietHours> {
    QuietHours::new(from.parse().expect(from), until.parse().expect(until))
}

fn reminders(hours: u16) -> Reminders {
    Reminders { hours, quiet: quiet("20:00", "08:00") }
}

#[test]
fn a_reminder_is_due_the_day_before_outside_quiet_hours() {
    let table = [
        // hours, appointment, reminder; Los Angeles is at -08:00 from 1 November 2026.
        (24, "2026-11-24T10:00-08:00", "2026-11-23T10:00-08:00"),
        (24, "2026-11-24T08:00-08:00", "2026-11-23T08:00-08:00"),
        // Due in quiet hours that end before the day of the appointment.
        (24, "2026-11-24T07:30-08:00", "2026-11-23T08:00-08:00"),
        (36, "2026-11-24T10:00-08:00", "2026-11-23T08:00-08:00"),
        // Due in quiet hours that last into that day.
        (24, "2026-11-24T20:00-08:00", "2026-11-23T19:00-08:00"),
        (24, "2026-11-24T23:00-08:00", "2026-11-23T19:00-08:00"),
        (2, "2026-11-24T09:00-08:00", "2026-11-23T19:00-08:00"),
        (2, "2026-11-24T10:00-08:00", "2026-11-24T08:00-08:00"),
        // The night in between has 25 hours, or 23: the same time of day all the same.
        (24, "2026-11-01T10:00-08:00", "2026-10-31T10:00-07:00"),
        (24, "2027-03-14T10:00-07:00", "2027-03-13T10:00-08:00"),
        // 02:30 does not occur on 14 March, and 01:30 twice on 1 November.
        (24, "2027-03-15T02:30-07:00", "2027-03-14T08:00-07:00"),
    ];
    for (hours, start, expected) in table {
        let due = reminders(hours).due_at(at(start), &los_angeles());
        assert_eq!(due, at(expected), "{hours} hours before {start}");
    }
    let always = Reminders { hours: 24, quiet: None };
    for (start, expected) in [
        ("2027-03-15T02:30-07:00", "2027-03-14T03:30-07:00"),
        ("2026-11-02T01:30-08:00", "2026-11-01T01:30-07:00"),
        ("2026-11-24T23:00-08:00", "2026-11-23T23:00-08:00"),
    ] {
        assert_eq!(always.due_at(at(start), &los_angeles()), at(expected), "before {start}");
    }
}

#[test]
fn quiet_hours_may_be_at_any_time_and_must_leave_two_hours() {
    let siesta = Reminders { hours: 24, quiet: quiet("12:00", "14:00") };
    let due = siesta.due_at(at("2026-11-24T13:00-08:00"), &los_angeles());
    assert_eq!(due, at("2026-11-23T14:00-08:00"));
    for (from, until, is_possible) in [
        ("20:00", "08:00", true),
        ("00:00", "22:00", true),
        ("10:00", "08:00", true),
        ("24:00", "08:00", true),
        ("00:00", "22:01", false),
        ("08:00", "08:00", false),
        ("00:00", "24:00", false),
    ] {
        assert_eq!(quiet(from, until).is_some(), is_possible, "{from}-{until}");
    }
}

#[test]
fn quiet_hours_include_their_start_and_not_their_end() {
    let cases = [
        ("12:00", "14:00", "11:59", false),
        ("12:00", "14:00", "12:00", true),
        ("12:00", "14:00", "13:59", true),
        ("12:00", "14:00", "14:00", false),
        ("12:00", "14:00", "23:00", false),
        ("20:00", "08:00", "19:59", false),
        ("20:00", "08:00", "20:00", true),
        ("20:00", "08:00", "00:00", true),
        ("20:00", "08:00", "07:59", true),
        ("20:00", "08:00", "08:00", false),
        ("24:00", "06:00", "00:00", true),
        ("24:00", "06:00", "23:59", false),
    ];
    for (from, until, time, expected) in cases {
        let quiet = quiet(from, until).expect("quiet hours");
        let time: Time = format!("{time}:00").parse().expect(time);
        assert_eq!(quiet.contains(time), expected, "{time} in {from}-{until}");
    }
}

#[test]
fn a_reminder_is_sent_between_its_time_and_the_appointment_outside_quiet_hours() {
    let mut booking = sample();
    booking.state = State::Confirmed;
    booking.changed_at = at("2026-11-20T12:00-08:00");
    booking.appointment = Interval::new(at("2026-11-24T10:00-08:00"), at("2026-11-24T10:30-08:00"))
        .expect("half an hour");
    let is_due = |booking: &Booking, now| reminders(24).is_due(booking, &los_angeles(), at(now));
    for (now, expected) in [
        ("2026-11-20T12:00-08:00", false),
        ("2026-11-23T09:59-08:00", false),
        ("2026-11-23T10:00-08:00", true),
        ("2026-11-23T19:59-08:00", true),
        ("2026-11-23T20:00-08:00", false),
        ("2026-11-24T07:59-08:00", false),
        ("2026-11-24T08:00-08:00", true),
        ("2026-11-24T10:00-08:00", false),
    ] {
        assert_eq!(is_due(&booking, now), expected, "at {now}");
    }

    for state in State::ALL {
        booking.state = state;
        let expected = state == State::Confirmed;
        assert_eq!(is_due(&booking, "2026-11-23T10:00-08:00"), expected, "{state}");
    }
    booking.state = State::Confirmed;
    for (confirmed, expected) in
        [("2026-11-23T09:59:59-08:00", true), ("2026-11-23T10:00-08:00", false)]
    {
        booking.changed_at = at(confirmed);
        assert_eq!(is_due(&booking, "2026-11-23T12:00-08:00"), expected, "made at {confirmed}");
    }
}

#[test]
fn every_due_reminder_is_among_the_checked_starts() {
    let zone = los_angeles();
    for hours in [1, 24, 168] {
        let rules = Reminders { hours, quiet: quiet("10:00", "08:00") };
        let first = at("2026-10-31T00:00-07:00");
        for half_hours in 0..96 {
            let start = first + SignedDuration::from_mins(30 * half_hours);
            let checked = rules.starts_to_check(rules.due_at(start, &zone));
            assert!(checked.contains(&start), "{hours} hours before {start}");
        }
    }
}
