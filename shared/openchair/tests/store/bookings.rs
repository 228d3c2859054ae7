use futures_util::future::join_all;
use jiff::SignedDuration;
use openchair::store::Consistency;
use openchair::store::bookings::{
    BookingStore, Change, CountChange, HoldCount, KeptRequest, Precedents, RequestChange, Written,
};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey, State};
use salon::day_sheet::DaySheet;

use crate::harness::{at, promises};
use crate::sample::{MADE, full, hold, key};

promises! {
    what_is_not_there_is_nothing
    a_booking_in_any_state_comes_back_as_it_was
    a_change_is_made_with_all_that_goes_with_it
    a_change_of_what_has_changed_is_a_conflict_and_changes_nothing
    one_of_many_writers_makes_each_version_of_a_sheet
    a_released_hold_counts_no_more
    a_hold_that_is_over_counts_no_more
    a_key_is_kept_until_it_is_over_or_forgotten
    a_question_is_noted_once_a_pause
    what_is_due_is_listed_the_longest_due_first
}

fn only(booking: &Booking) -> Change<'_> {
    Change { booking, sheet: None, counts: CountChange::None, request: RequestChange::None }
}

async fn write<S: BookingStore>(store: &S, change: Change<'_>) -> Written {
    store.write(&change).await.expect("the store is up")
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

fn request(booking: &Booking, until: i64) -> KeptRequest {
    KeptRequest {
        booking_id: booking.id.clone(),
        fingerprint: "print".to_owned(),
        until: at(until),
    }
}

async fn precedents<S: BookingStore>(store: &S) -> Precedents {
    let read = store.precedents(&[key("phone"), key("address")], Some(&request_key())).await;
    read.expect("readable")
}

/// Returns the count of `name` with a hold of `booking` more.
fn count(known: &Precedents, name: &str, booking: &Booking) -> (HoldKey, HoldCount) {
    let count = known.counts[&key(name)].with(&booking.id, booking.hold_until(), at(MADE));
    (key(name), count)
}

async fn what_is_not_there_is_nothing<S: BookingStore>(store: S) {
    let id = hold(1).id;
    assert_eq!(read(&store, &id).await, None);
    let none = precedents(&store).await;
    assert_eq!(none.counts.len(), 2);
    assert!(none.counts.values().all(|count| *count == HoldCount::default()));
    assert_eq!(none.request, None);
    assert_eq!(store.precedents(&[], None).await.expect("readable"), Precedents::default());
    assert_eq!(store.due(at(MADE), 10).await.expect("readable"), []);
}

async fn a_booking_in_any_state_comes_back_as_it_was<S: BookingStore>(store: S) {
    for (number, state) in (1..).zip(State::ALL) {
        for booking in [hold(number), full(100 + number)] {
            let booking = Booking { state, ..booking };
            assert_eq!(write(&store, only(&booking)).await, Written::Done);
            let kept = read(&store, &booking.id).await;
            assert_eq!(kept, Some(Booking { version: 1, ..booking }), "{state}");
        }
    }
}

async fn a_change_is_made_with_all_that_goes_with_it<S: BookingStore>(store: S) {
    let booking = full(1);
    let known = precedents(&store).await;
    let counts = [count(&known, "phone", &booking), count(&known, "address", &booking)];
    let request = request(&booking, MADE + 100);
    let day = DaySheet::default().with(&booking.id, booking.entry()).expect("a change");
    let change = Change {
        booking: &booking,
        sheet: Some((&booking.staff, booking.date, &day)),
        counts: CountChange::Take(&counts),
        request: RequestChange::Keep { key: &request_key(), request: &request, now: at(MADE) },
    };
    assert_eq!(write(&store, change).await, Written::Done);

    assert_eq!(sheet(&store, &booking).await, day);
    let kept = precedents(&store).await;
    assert_eq!(kept, Precedents { counts: counts.into(), request: Some(request) });
    let kept = read(&store, &booking.id).await.expect("it was written");
    let freed = day.with(&booking.id, None).expect("a change");
    let change = Change { sheet: Some((&booking.staff, booking.date, &freed)), ..only(&kept) };
    assert_eq!(write(&store, change).await, Written::Done);
    assert_eq!(sheet(&store, &booking).await, freed);
    assert_eq!(read(&store, &booking.id).await.map(|booking| booking.version), Some(2));
}

async fn a_change_of_what_has_changed_is_a_conflict_and_changes_nothing<S: BookingStore>(store: S) {
    let first = full(1);
    let none = precedents(&store).await;
    let counts = [count(&none, "phone", &first), count(&none, "address", &first)];
    let kept_request = request(&first, MADE + 100);
    let day = DaySheet::default().with(&first.id, first.entry()).expect("a change");
    let request_key = request_key();
    let first_change = Change {
        booking: &first,
        sheet: Some((&first.staff, first.date, &day)),
        counts: CountChange::Take(&counts),
        request: RequestChange::Keep { key: &request_key, request: &kept_request, now: at(MADE) },
    };
    assert_eq!(write(&store, first_change).await, Written::Done);
    let known = precedents(&store).await;

    // Each of these is good in all but one thing.
    let second = full(2);
    let sheet_now = day.with(&second.id, second.entry()).expect("a change");
    let counts_now = [count(&known, "phone", &second), count(&known, "address", &second)];
    let own_request = request(&second, MADE + 200);
    let later = at(MADE + 100);
    let good = Change {
        booking: &second,
        sheet: Some((&second.staff, second.date, &sheet_now)),
        counts: CountChange::Take(&counts_now),
        request: RequestChange::Keep { key: &request_key, request: &own_request, now: later },
    };
    let unread_sheet = DaySheet::default().with(&second.id, second.entry()).expect("a change");
    let stale_count = [counts_now[0].clone(), count(&none, "address", &second)];
    let not_yet = at(MADE + 99);
    let keep = RequestChange::Keep { key: &request_key, request: &own_request, now: not_yet };
    let never_written = Booking { version: 1, ..second.clone() };
    let long_written = Booking { version: 0, ..first.clone() };
    let table = [
        ("a booking that is not there", Change { booking: &never_written, ..good.clone() }),
        ("a booking that is there", Change { booking: &long_written, ..good.clone() }),
        (
            "a stale sheet",
            Change { sheet: Some((&second.staff, second.date, &unread_sheet)), ..good.clone() },
        ),
        ("a stale count", Change { counts: CountChange::Take(&stale_count), ..good.clone() }),
        ("a key that is good", Change { request: keep, ..good.clone() }),
    ];
    for (case, change) in table {
        assert_eq!(write(&store, change).await, Written::Conflict, "{case}");
        assert_eq!(read(&store, &second.id).await, None, "{case}");
        assert_eq!(
            read(&store, &first.id).await,
            Some(Booking { version: 1, ..first.clone() }),
            "{case}"
        );
        assert_eq!(sheet(&store, &first).await, day, "{case}");
        assert_eq!(precedents(&store).await, known, "{case}");
    }
    assert_eq!(write(&store, good).await, Written::Done, "all the rest was right");
}

async fn one_of_many_writers_makes_each_version_of_a_sheet<S: BookingStore>(store: S) {
    const WRITERS: u128 = 20;
    let writers = (1..=WRITERS).map(async |number| {
        let booking = hold(number);
        loop {
            let known = sheet(&store, &booking).await;
            let day = known.with(&booking.id, booking.entry()).expect("a change");
            let change =
                Change { sheet: Some((&booking.staff, booking.date, &day)), ..only(&booking) };
            if write(&store, change).await == Written::Done {
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

async fn a_released_hold_counts_no_more<S: BookingStore>(store: S) {
    let (first, second) = (full(1), full(2));
    for booking in [&first, &second] {
        let known = precedents(&store).await;
        // The other key's count is not there when it is released.
        let counts = [count(&known, "phone", booking)];
        let change = Change { counts: CountChange::Take(&counts), ..only(booking) };
        assert_eq!(write(&store, change).await, Written::Done);
    }
    let stale = precedents(&store).await;
    let first = Booking { version: 1, ..first };
    let change = Change { counts: CountChange::Release, ..only(&first) };
    assert_eq!(write(&store, change).await, Written::Done);

    let known = precedents(&store).await;
    assert_eq!(
        known.counts[&key("phone")].holds,
        [(second.id.clone(), second.hold_until())].into()
    );
    assert_eq!(known.counts[&key("address")].holds, [].into());

    let third = full(3);
    for (name, expected) in [("phone", Written::Conflict), ("address", Written::Conflict)] {
        let counts = [count(&stale, name, &third)];
        let change = Change { counts: CountChange::Take(&counts), ..only(&third) };
        assert_eq!(write(&store, change).await, expected, "{name} was read before the release");
    }
    let counts = [count(&known, "phone", &third), count(&known, "address", &third)];
    let change = Change { counts: CountChange::Take(&counts), ..only(&third) };
    assert_eq!(write(&store, change).await, Written::Done);
}

async fn a_hold_that_is_over_counts_no_more<S: BookingStore>(store: S) {
    let booking = full(1);
    let counts = [count(&precedents(&store).await, "phone", &booking)];
    let change = Change { counts: CountChange::Take(&counts), ..only(&booking) };
    assert_eq!(write(&store, change).await, Written::Done);
    let known = &precedents(&store).await.counts[&key("phone")];
    let until = booking.hold_until();
    assert_eq!(known.live(until - SignedDuration::from_secs(1)), 1);
    assert_eq!(known.live(until), 0, "also while the item is still there");
}

async fn a_key_is_kept_until_it_is_over_or_forgotten<S: BookingStore>(store: S) {
    let request_key = request_key();
    let keep = async |number: u128, now: i64, until: i64| {
        let booking = hold(number);
        let request = request(&booking, until);
        let keep = RequestChange::Keep { key: &request_key, request: &request, now: at(now) };
        write(&store, Change { request: keep, ..only(&booking) }).await
    };
    let kept = async || precedents(&store).await.request.map(|request| request.booking_id);
    assert_eq!(keep(1, 100, 200).await, Written::Done);
    assert_eq!(keep(2, 199, 299).await, Written::Conflict);
    assert_eq!(kept().await, Some(hold(1).id));
    assert_eq!(keep(3, 200, 300).await, Written::Done, "it was over");
    assert_eq!(kept().await, Some(hold(3).id));

    let booking = Booking { version: 1, ..hold(3) };
    let forget = Change { request: RequestChange::Forget(&request_key), ..only(&booking) };
    assert_eq!(write(&store, forget).await, Written::Done);
    assert_eq!(kept().await, None);
    assert_eq!(keep(4, 201, 301).await, Written::Done);
    let late = Booking { version: 2, ..hold(3) };
    let late = Change { request: RequestChange::Forget(&request_key), ..only(&late) };
    assert_eq!(write(&store, late).await, Written::Conflict, "it is another booking's by now");
    assert_eq!(kept().await, Some(hold(4).id));
    let stale = Change { request: RequestChange::Forget(&request_key), ..only(&booking) };
    assert_eq!(write(&store, stale).await, Written::Conflict);
    assert_eq!(kept().await, Some(hold(4).id), "a conflict forgets nothing");
}

async fn a_question_is_noted_once_a_pause<S: BookingStore>(store: S) {
    let pause = SignedDuration::from_secs(3);
    let booking = hold(1);
    let ask = async |milliseconds: i64| {
        let now = at(MADE) + SignedDuration::from_millis(milliseconds);
        store.note_question(&booking.id, now, pause).await.expect("the store is up")
    };
    assert_eq!(write(&store, only(&booking)).await, Written::Done);
    assert!(ask(500).await);
    assert!(!ask(3_499).await);
    let changed = Booking { version: 1, ..booking.clone() };
    assert_eq!(write(&store, only(&changed)).await, Written::Done, "a question is no change");
    assert!(!ask(3_499).await, "and a change does not end the pause");
    assert!(ask(3_500).await);
    assert!(!ask(3_501).await);
    let others = store.note_question(&hold(2).id, at(MADE + 3), pause).await;
    assert!(others.expect("the store is up"), "another booking has a pause of its own");
}

async fn what_is_due_is_listed_the_longest_due_first<S: BookingStore>(store: S) {
    for (number, check_at) in [(1, Some(300)), (2, Some(100)), (3, None), (4, Some(200))] {
        let booking = Booking { check_at: check_at.map(at), ..hold(number) };
        assert_eq!(write(&store, only(&booking)).await, Written::Done);
    }
    let due = async |now: i64, limit: usize| {
        let due = store.due(at(now), limit).await.expect("readable");
        due.iter()
            .map(|id| u128::from_str_radix(id.as_str(), 16).expect("an id"))
            .collect::<Vec<_>>()
    };
    assert_eq!(due(99, 10).await, []);
    assert_eq!(due(100, 10).await, [2]);
    assert_eq!(due(299, 10).await, [2, 4]);
    assert_eq!(due(1_000, 2).await, [2, 4], "no more than asked for");
    assert_eq!(due(1_000, 10).await, [2, 4, 1]);

    let settled = Booking { version: 1, check_at: None, ..hold(2) };
    assert_eq!(write(&store, only(&settled)).await, Written::Done);
    let moved = Booking { version: 1, check_at: Some(at(400)), ..hold(4) };
    assert_eq!(write(&store, only(&moved)).await, Written::Done);
    assert_eq!(due(1_000, 10).await, [1, 4]);
}
