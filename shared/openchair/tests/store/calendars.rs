use openchair::store::{Consistency, Lease, Store, StoreError};
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
        [("readAt", number(1)), ("freshUntil", number(2))],
    ];
    for (number, attributes) in table.into_iter().enumerate() {
        let named = format!("CALENDAR#s{number} READING");
        harness.put(&format!("CALENDAR#s{number}"), "READING", attributes).await;
        let id = staff_id(&format!("s{number}"));
        let read = harness.store.readings(&[&id], Consistency::Strong).await;
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
    let read = harness.store.readings(&all, Consistency::Strong).await.expect("readable");
    assert_eq!(read.len(), ids.len());
}

#[tokio::test]
async fn a_lease_does_not_rewrite_the_reading() {
    let harness = Harness::new().await;
    let s1 = staff_id("s1");
    harness.store.put_reading(&s1, &reading(100, 160, &[])).await.expect("written");
    let before = harness.item("CALENDAR#s1", "READING").await.expect("it was written");
    assert_eq!(take(&harness.store, &s1, 160, 164).await, Lease::Taken);
    harness.store.move_lease(&s1, at(164), at(220)).await.expect("written");

    let after = harness.item("CALENDAR#s1", "READING").await;
    assert_eq!(after, Some(before), "writing it costs a unit for each KB");
    let lease = harness.item("CALENDAR#s1", "LEASE").await.expect("it was written");
    assert_eq!(lease.get("leaseUntil"), Some(&number(220)));
    assert_eq!(lease.get("expiresAt"), Some(&number(220 + 48 * 3_600)), "48 hours later");
}

async fn stored<S: Store>(store: &S, staff: &StaffId) -> Option<CalendarReading> {
    let read = store.readings(&[staff], Consistency::Strong).await.expect("readable");
    read.get(staff).cloned()
}

async fn take<S: Store>(store: &S, staff: &StaffId, looked_at: i64, until: i64) -> Lease {
    store.take_lease(staff, at(looked_at), at(until)).await.expect("the store is up")
}

async fn leases_and_readings<S: Store>(store: S) {
    let s1 = staff_id("s1");
    assert_eq!(stored(&store, &s1).await, None, "nothing is there yet");
    assert_eq!(take(&store, &s1, 100, 104).await, Lease::Taken, "nobody had it");
    assert_eq!(take(&store, &s1, 103, 107).await, Lease::Refused, "it was taken until 104");
    assert_eq!(stored(&store, &s1).await, None, "a lease is not a reading");
    assert_eq!(take(&store, &s1, 104, 108).await, Lease::Taken, "it was over");
    assert_eq!(
        take(&store, &staff_id("s2"), 104, 108).await,
        Lease::Taken,
        "it is another person's"
    );

    let first = reading(105, 165, &[(60, 120), (6_000, 12_000)]);
    store.put_reading(&s1, &first).await.expect("written");
    assert_eq!(stored(&store, &s1).await, Some(first.clone()));
    let lease = take(&store, &s1, 107, 130).await;
    assert_eq!(lease, Lease::Refused, "the caller looked before the lease was over");
    store.put_reading(&s1, &reading(104, 999, &[])).await.expect("an older one is ignored");
    assert_eq!(stored(&store, &s1).await, Some(first.clone()));

    assert_eq!(take(&store, &s1, 165, 169).await, Lease::Taken, "it is stale");
    store.move_lease(&s1, at(169), at(225)).await.expect("written");
    assert_eq!(take(&store, &s1, 224, 228).await, Lease::Refused, "the lease was moved");
    store.move_lease(&s1, at(169), at(999)).await.expect("a lease that is not ours stays");
    assert_eq!(take(&store, &s1, 225, 229).await, Lease::Taken);
    assert_eq!(stored(&store, &s1).await, Some(first), "a lease leaves the reading alone");
}

async fn one_of_many_callers_gets_the_lease<S: Store>(store: S) {
    let s1 = staff_id("s1");
    let takers = (0..50).map(|_| take(&store, &s1, 100, 104));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.iter().filter(|lease| **lease == Lease::Taken).count(), 1);

    let late = take(&store, &s1, 103, 200).await;
    assert_eq!(late, Lease::Refused, "it may not have seen what the holder read");
}
