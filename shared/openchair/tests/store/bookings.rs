use futures_util::future::join_all;
use jiff::SignedDuration;
use openchair::store::Consistency;
use openchair::store::booking_store::{
    BookingChange, BookingState, BookingStore, HoldCount, HoldCountChange, RequestKeyChange,
    ReservationContext, StoredRequest, WriteOutcome,
};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey, SecondPayment, SecondRefund, State};
use salon::day_sheet::{DaySheet, PlaceInLine};
use testing::hold;

use crate::harness::{at, promises};
use crate::sample::{MADE, full, key};

promises! {
    missing_items_are_read_as_empty
    a_booking_in_any_state_comes_back_as_it_was
    a_change_is_made_with_all_that_goes_with_it
    a_change_of_what_has_changed_is_a_conflict_and_changes_nothing
    one_of_many_writers_makes_each_version_of_a_sheet
    a_released_hold_no_longer_counts
    an_ended_hold_no_longer_counts
    a_request_is_kept_until_it_ends_or_is_deleted
    a_poll_is_recorded_once_an_interval
    deposits_are_counted_by_address_and_hour_up_to_the_limit
    unsettled_bookings_are_listed_with_the_longest_overdue_first
    the_states_of_more_bookings_than_a_batch_are_read
}

/// Tries to write a change. Returns the booking as stored, or nothing after a
/// conflict.
async fn write<S: BookingStore>(store: &S, change: BookingChange<'_>) -> Option<Booking> {
    match store.write(&change).await.expect("the store is up") {
        WriteOutcome::Written(booking) => Some(booking),
        WriteOutcome::Conflict => None,
    }
}

async fn read<S: BookingStore>(store: &S, id: &BookingId) -> Option<Booking> {
    store.booking(id).await.expect("readable")
}

/// Reads the day sheet of a booking.
async fn sheet<S: BookingStore>(store: &S, booking: &Booking) -> DaySheet {
    let day: DateRange = DateRange::single(booking.date);
    let sheets = store.sheets(&[&booking.staff], day, Consistency::Strong).await;
    let mut sheets = sheets.expect("readable").remove(&booking.staff).unwrap_or_default();
    sheets.pop().unwrap_or_default()
}

fn request_key() -> RequestKey {
    RequestKey("request".into())
}

fn request(booking: &Booking, until: i64) -> StoredRequest {
    StoredRequest {
        booking_id: booking.id.clone(),
        fingerprint: "print".to_owned(),
        until: at(until),
    }
}

async fn reservation_context<S: BookingStore>(store: &S) -> ReservationContext {
    let read =
        store.reservation_context(&[key("phone"), key("address")], Some(&request_key())).await;
    read.expect("readable")
}

/// Returns the count of `name` with a hold of `booking` more.
fn count(known: &ReservationContext, name: &str, booking: &Booking) -> (HoldKey, HoldCount) {
    let count = known.hold_counts[&key(name)].with(&booking.id, booking.hold_until, at(MADE));
    (key(name), count)
}

async fn missing_items_are_read_as_empty<S: BookingStore>(store: S) {
    let id = hold(1).id;
    assert_eq!(read(&store, &id).await, None);
    let none = reservation_context(&store).await;
    assert_eq!(none.hold_counts.len(), 2);
    assert!(none.hold_counts.values().all(|count| *count == HoldCount::default()));
    assert_eq!(none.request, None);
    assert_eq!(
        store.reservation_context(&[], None).await.expect("readable"),
        ReservationContext::default()
    );
    assert_eq!(store.unsettled_bookings(10).await.expect("readable"), []);
}

async fn a_booking_in_any_state_comes_back_as_it_was<S: BookingStore>(store: S) {
    for (number, state) in (1..).zip(State::ALL) {
        for booking in [hold(number), full(100 + number)] {
            let booking = Booking { state, ..booking };
            let written = write(&store, BookingChange::only(&booking)).await;
            assert_eq!(written, Some(Booking { version: 1, ..booking.clone() }), "{state}");
            assert_eq!(read(&store, &booking.id).await, written, "{state}");
        }
    }
}

async fn a_change_is_made_with_all_that_goes_with_it<S: BookingStore>(store: S) {
    let booking = full(1);
    let known = reservation_context(&store).await;
    let counts = [count(&known, "phone", &booking), count(&known, "address", &booking)];
    let request = request(&booking, MADE + 100);
    let day = DaySheet::default().with(&booking).expect("a change");
    let change = BookingChange {
        booking: &booking,
        sheet: Some((&booking.staff, booking.date, &day)),
        hold_counts: HoldCountChange::Set(&counts),
        request_key: RequestKeyChange::Store {
            key: &request_key(),
            request: &request,
            now: at(MADE),
        },
    };
    assert!(write(&store, change).await.is_some());

    assert_eq!(sheet(&store, &booking).await, day);
    let kept = reservation_context(&store).await;
    assert_eq!(kept, ReservationContext { hold_counts: counts.into(), request: Some(request) });
    let kept = read(&store, &booking.id).await.expect("it was written");
    let place =
        PlaceInLine { booking_id: booking.id.clone(), since: at(MADE), taken: booking.taken() };
    let freed = DaySheet::new(day.version() + 1, Vec::new()).with_line(vec![place]);
    let change = BookingChange {
        sheet: Some((&booking.staff, booking.date, &freed)),
        ..BookingChange::only(&kept)
    };
    assert!(write(&store, change).await.is_some());
    assert_eq!(sheet(&store, &booking).await, freed);
    assert_eq!(read(&store, &booking.id).await.map(|booking| booking.version), Some(2));
}

async fn a_change_of_what_has_changed_is_a_conflict_and_changes_nothing<S: BookingStore>(store: S) {
    let first = full(1);
    let none = reservation_context(&store).await;
    let counts = [count(&none, "phone", &first), count(&none, "address", &first)];
    let kept_request = request(&first, MADE + 100);
    let day = DaySheet::default().with(&first).expect("a change");
    let request_key = request_key();
    let first_change = BookingChange {
        booking: &first,
        sheet: Some((&first.staff, first.date, &day)),
        hold_counts: HoldCountChange::Set(&counts),
        request_key: RequestKeyChange::Store {
            key: &request_key,
            request: &kept_request,
            now: at(MADE),
        },
    };
    assert!(write(&store, first_change).await.is_some());
    let known = reservation_context(&store).await;

    // Each of these is good in all but one thing.
    let second = full(2);
    let sheet_now = day.with(&second).expect("a change");
    let counts_now = [count(&known, "phone", &second), count(&known, "address", &second)];
    let own_request = request(&second, MADE + 200);
    let later = at(MADE + 100);
    let good = BookingChange {
        booking: &second,
        sheet: Some((&second.staff, second.date, &sheet_now)),
        hold_counts: HoldCountChange::Set(&counts_now),
        request_key: RequestKeyChange::Store {
            key: &request_key,
            request: &own_request,
            now: later,
        },
    };
    let unread_sheet = DaySheet::default().with(&second).expect("a change");
    let stale_count = [counts_now[0].clone(), count(&none, "address", &second)];
    let not_yet = at(MADE + 99);
    let keep = RequestKeyChange::Store { key: &request_key, request: &own_request, now: not_yet };
    let never_written = Booking { version: 1, ..second.clone() };
    let long_written = Booking { version: 0, ..first.clone() };
    let table = [
        ("a booking that is not there", BookingChange { booking: &never_written, ..good.clone() }),
        ("a booking that is there", BookingChange { booking: &long_written, ..good.clone() }),
        (
            "a stale sheet",
            BookingChange {
                sheet: Some((&second.staff, second.date, &unread_sheet)),
                ..good.clone()
            },
        ),
        (
            "a stale count",
            BookingChange { hold_counts: HoldCountChange::Set(&stale_count), ..good.clone() },
        ),
        ("a key that is good", BookingChange { request_key: keep, ..good.clone() }),
    ];
    for (case, change) in table {
        assert_eq!(write(&store, change).await, None, "{case}");
        assert_eq!(read(&store, &second.id).await, None, "{case}");
        assert_eq!(
            read(&store, &first.id).await,
            Some(Booking { version: 1, ..first.clone() }),
            "{case}"
        );
        assert_eq!(sheet(&store, &first).await, day, "{case}");
        assert_eq!(reservation_context(&store).await, known, "{case}");
    }
    assert!(write(&store, good).await.is_some(), "all the rest was right");
}

async fn one_of_many_writers_makes_each_version_of_a_sheet<S: BookingStore>(store: S) {
    const WRITERS: u128 = 20;
    let writers = (1..=WRITERS).map(async |number| {
        let booking = hold(number);
        loop {
            let known = sheet(&store, &booking).await;
            let day = known.with(&booking).expect("a change");
            let change = BookingChange {
                sheet: Some((&booking.staff, booking.date, &day)),
                ..BookingChange::only(&booking)
            };
            if write(&store, change).await.is_some() {
                return day.version();
            }
        }
    });
    let mut versions = join_all(writers).await;
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<u64>>(), "each version was made once");
    let kept = sheet(&store, &hold(1)).await;
    assert_eq!((kept.version(), kept.entries().count()), (20, 20), "and no entry was lost");
}

async fn a_released_hold_no_longer_counts<S: BookingStore>(store: S) {
    let (first, second) = (full(1), full(2));
    for booking in [&first, &second] {
        let known = reservation_context(&store).await;
        // The other key's count is not there when it is released.
        let counts = [count(&known, "phone", booking)];
        let change = BookingChange {
            hold_counts: HoldCountChange::Set(&counts),
            ..BookingChange::only(booking)
        };
        assert!(write(&store, change).await.is_some());
    }
    let stale = reservation_context(&store).await;
    let first = Booking { version: 1, hold_keys: Vec::new(), ..first };
    let released = [key("phone"), key("address")];
    let hold_counts = HoldCountChange::Release(&released);
    let change = BookingChange { hold_counts, ..BookingChange::only(&first) };
    assert!(write(&store, change).await.is_some());

    let known = reservation_context(&store).await;
    assert_eq!(
        known.hold_counts[&key("phone")].holds,
        [(second.id.clone(), second.hold_until)].into()
    );
    assert_eq!(known.hold_counts[&key("address")].holds, [].into());

    let third = full(3);
    for name in ["phone", "address"] {
        let counts = [count(&stale, name, &third)];
        let change = BookingChange {
            hold_counts: HoldCountChange::Set(&counts),
            ..BookingChange::only(&third)
        };
        assert_eq!(write(&store, change).await, None, "{name} was read before the release");
    }
    let counts = [count(&known, "phone", &third), count(&known, "address", &third)];
    let change =
        BookingChange { hold_counts: HoldCountChange::Set(&counts), ..BookingChange::only(&third) };
    assert!(write(&store, change).await.is_some());
}

async fn an_ended_hold_no_longer_counts<S: BookingStore>(store: S) {
    let booking = full(1);
    let counts = [count(&reservation_context(&store).await, "phone", &booking)];
    let change = BookingChange {
        hold_counts: HoldCountChange::Set(&counts),
        ..BookingChange::only(&booking)
    };
    assert!(write(&store, change).await.is_some());
    let known = &reservation_context(&store).await.hold_counts[&key("phone")];
    let until = booking.hold_until;
    let before = until - SignedDuration::from_secs(1);
    assert_eq!(known.full_until(1, before), Some(until));
    assert_eq!(known.full_until(1, until), None, "also while the item is still there");
}

async fn a_request_is_kept_until_it_ends_or_is_deleted<S: BookingStore>(store: S) {
    let request_key = request_key();
    let keep = async |number: u128, now: i64, until: i64| {
        let booking = hold(number);
        let request = request(&booking, until);
        let keep = RequestKeyChange::Store { key: &request_key, request: &request, now: at(now) };
        write(&store, BookingChange { request_key: keep, ..BookingChange::only(&booking) }).await
    };
    let kept = async || reservation_context(&store).await.request.map(|request| request.booking_id);
    assert!(keep(1, 100, 200).await.is_some());
    assert_eq!(keep(2, 199, 299).await, None);
    assert_eq!(kept().await, Some(hold(1).id));
    assert!(keep(3, 200, 300).await.is_some(), "it was over");
    assert_eq!(kept().await, Some(hold(3).id));

    let booking = Booking { version: 1, ..hold(3) };
    let forget = BookingChange {
        request_key: RequestKeyChange::Delete(&request_key),
        ..BookingChange::only(&booking)
    };
    assert!(write(&store, forget).await.is_some());
    assert_eq!(kept().await, None);
    assert!(keep(4, 201, 301).await.is_some());
    let late = Booking { version: 2, ..hold(3) };
    let late = BookingChange {
        request_key: RequestKeyChange::Delete(&request_key),
        ..BookingChange::only(&late)
    };
    assert_eq!(write(&store, late).await, None, "it is another booking's by now");
    assert_eq!(kept().await, Some(hold(4).id));
    let stale = BookingChange {
        request_key: RequestKeyChange::Delete(&request_key),
        ..BookingChange::only(&booking)
    };
    assert_eq!(write(&store, stale).await, None);
    assert_eq!(kept().await, Some(hold(4).id), "a conflict forgets nothing");
}

async fn a_poll_is_recorded_once_an_interval<S: BookingStore>(store: S) {
    let pause = SignedDuration::from_secs(3);
    let booking = hold(1);
    let ask = async |milliseconds: i64| {
        let now = at(MADE) + SignedDuration::from_millis(milliseconds);
        store.record_poll(&booking.id, now, pause).await.expect("the store is up")
    };
    assert!(write(&store, BookingChange::only(&booking)).await.is_some());
    assert!(ask(500).await);
    assert!(!ask(3_499).await);
    let changed = Booking { version: 1, ..booking.clone() };
    assert!(
        write(&store, BookingChange::only(&changed)).await.is_some(),
        "a question is no change"
    );
    assert!(!ask(3_499).await, "and a change does not end the pause");
    assert!(ask(3_500).await);
    assert!(!ask(3_501).await);
    let others = store.record_poll(&hold(2).id, at(MADE + 3), pause).await;
    assert!(others.expect("the store is up"), "another booking has a pause of its own");
}

async fn deposits_are_counted_by_address_and_hour_up_to_the_limit<S: BookingStore>(store: S) {
    let count = async |name: &str, hour: i64, limit: u16| {
        store.count_bare_deposit(&key(name), at(hour), limit).await.expect("the store is up")
    };
    assert!(count("address", MADE, 2).await);
    assert!(count("address", MADE, 2).await);
    assert!(!count("address", MADE, 2).await);
    assert!(!count("address", MADE, 2).await, "a refused one is not counted");
    assert!(count("address", MADE, 3).await);
    assert!(count("another", MADE, 2).await);
    assert!(count("address", MADE + 3_600, 2).await, "the next hour");
    let many = (0..20).map(|_| count("crowd", MADE, 7));
    let counted = join_all(many).await.into_iter().filter(|is_counted| *is_counted).count();
    assert_eq!(counted, 7, "concurrent requests cannot share the last one");
}

async fn unsettled_bookings_are_listed_with_the_longest_overdue_first<S: BookingStore>(store: S) {
    for (number, check_at) in [(1, Some(300)), (2, Some(100)), (3, None), (4, Some(200))] {
        let booking = Booking { check_at: check_at.map(at), ..hold(number) };
        assert!(write(&store, BookingChange::only(&booking)).await.is_some());
    }
    let listed = async |limit: usize| {
        let unsettled = store.unsettled_bookings(limit).await.expect("readable");
        unsettled
            .iter()
            .map(|it| {
                let number = u128::from_str_radix(it.id.as_str(), 16).expect("an id");
                (number, it.check_at.as_second())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(2).await, [(2, 100), (4, 200)], "no more than asked for");
    assert_eq!(listed(10).await, [(2, 100), (4, 200), (1, 300)]);

    let settled = Booking { version: 1, check_at: None, ..hold(2) };
    assert!(write(&store, BookingChange::only(&settled)).await.is_some());
    let moved = Booking { version: 1, check_at: Some(at(400)), ..hold(4) };
    assert!(write(&store, BookingChange::only(&moved)).await.is_some());
    assert_eq!(listed(10).await, [(1, 300), (4, 400)]);
}

async fn the_states_of_more_bookings_than_a_batch_are_read<S: BookingStore>(store: S) {
    assert_eq!(store.booking_states(&[]).await.expect("readable"), []);
    let mut expected = Vec::new();
    for number in 1..=101 {
        let state = if number == 7 { State::Standby } else { State::Held };
        let mut booking = Booking { state, hold_until: at(MADE + 600), ..hold(number) };
        if number == 8 {
            booking.payment = Some("pi_1".to_owned());
            booking
                .incidents
                .second_payments
                .push(SecondPayment { payment: "pi_2".to_owned(), refund: SecondRefund::Made });
        }
        assert!(write(&store, BookingChange::only(&booking)).await.is_some());
        expected.push(BookingState::from(&booking));
    }
    let ids: Vec<_> = expected.iter().map(|it| it.id.clone()).chain([hold(999).id]).collect();
    let mut states = store.booking_states(&ids).await.expect("readable");
    states.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(states, expected, "one that does not exist is left out");
}
