use openchair::store::{CachedCalendar, Consistency, Lease, Store, StoreError};
use salon::interval::Interval;
use salon::service::StaffId;
use salon::staff_calendar::{CalendarReading, SourceReading};

use crate::harness::{Harness, at, number, promises, staff_id, text};

promises! {
    leases_and_readings
    one_of_many_callers_gets_the_lease
}

fn reading(read_at: i64, fresh_until: i64, busy: &[(i64, i64)]) -> CalendarReading {
    let spans = busy.iter().filter_map(|(start, end)| Interval::new(at(*start), at(*end)));
    let source = SourceReading { busy: spans.collect(), version: Some("1".to_owned()) };
    let window = Interval::new(at(0), at(1_000_000)).expect("a window");
    CalendarReading::new(
        [("ical:own".to_owned(), source)].into(),
        window,
        at(read_at),
        at(fresh_until),
    )
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_an_error_and_never_free() {
    let harness = Harness::new().await;
    let table = [
        [("sources", text("none")), ("readAt", number(1))],
        [("leaseUntil", text("never")), ("expiresAt", number(1))],
    ];
    for (number, attributes) in table.into_iter().enumerate() {
        let named = format!("STAFF#s{number} CALENDAR");
        harness.put(&format!("STAFF#s{number}"), "CALENDAR", attributes).await;
        let id = staff_id(&format!("s{number}"));
        let read = harness.store.calendars(&[&id], Consistency::Strong).await;
        assert!(
            matches!(&read, Err(StoreError::Corrupt { key, .. }) if *key == named),
            "item {named} of the table: {read:?}"
        );
    }
}

#[tokio::test]
async fn more_calendars_than_fit_one_batch_are_all_read() {
    let harness = Harness::new().await;
    let ids: Vec<StaffId> = (0..101).map(|number| staff_id(&format!("s{number}"))).collect();
    for id in &ids {
        harness.store.put_reading(id, &reading(100, 160, &[])).await.expect("written");
    }
    let all: Vec<&StaffId> = ids.iter().collect();
    let read = harness.store.calendars(&all, Consistency::Strong).await.expect("readable");
    assert_eq!(read.len(), ids.len());
}

async fn cached<S: Store>(store: &S, staff: &StaffId) -> CachedCalendar {
    let read = store.calendars(&[staff], Consistency::Strong).await.expect("readable");
    read.get(staff).cloned().unwrap_or_default()
}

async fn take<S: Store>(store: &S, staff: &StaffId, now: i64, until: i64) -> Lease {
    store.take_lease(staff, at(now), at(until)).await.expect("the store is up")
}

async fn leases_and_readings<S: Store>(store: S) {
    let s1 = staff_id("s1");
    assert_eq!(cached(&store, &s1).await, CachedCalendar::default(), "nothing is there yet");
    assert_eq!(take(&store, &s1, 100, 104).await, Lease::Taken, "nobody had it");
    let Lease::Refused(held) = take(&store, &s1, 103, 107).await else {
        panic!("it was taken until 104")
    };
    assert_eq!((held.lease_until, held.reading), (Some(at(104)), None));
    assert_eq!(take(&store, &s1, 104, 108).await, Lease::Taken, "it was over");
    assert_eq!(
        take(&store, &staff_id("s2"), 104, 108).await,
        Lease::Taken,
        "it is another person's"
    );

    let busy = [(60, 120), (6_000, 12_000)];
    store.put_reading(&s1, &reading(105, 165, &busy)).await.expect("written");
    let kept = cached(&store, &s1).await;
    assert_eq!(kept, CachedCalendar { reading: Some(reading(105, 165, &busy)), lease_until: None });

    let Lease::Refused(fresh) = take(&store, &s1, 164, 168).await else {
        panic!("it is fresh until 165")
    };
    assert_eq!(fresh, kept);
    store.put_reading(&s1, &reading(104, 999, &[])).await.expect("an older one is ignored");
    assert_eq!(cached(&store, &s1).await, kept);

    assert_eq!(take(&store, &s1, 165, 169).await, Lease::Taken, "it is stale");
    store.move_lease(&s1, at(169), at(225)).await.expect("written");
    assert!(matches!(take(&store, &s1, 224, 228).await, Lease::Refused(_)), "the lease was moved");
    store.move_lease(&s1, at(169), at(999)).await.expect("a lease that is not ours stays");
    assert_eq!(take(&store, &s1, 225, 229).await, Lease::Taken);
    assert_eq!(cached(&store, &s1).await.reading, kept.reading, "a lease leaves the reading alone");
}

async fn one_of_many_callers_gets_the_lease<S: Store>(store: S) {
    let s1 = staff_id("s1");
    let takers = (0..50).map(|_| take(&store, &s1, 100, 104));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.iter().filter(|lease| **lease == Lease::Taken).count(), 1);
}
