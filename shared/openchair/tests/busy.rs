//! Reading calendars through the table's cache, by many containers at once.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use openchair::busy::{Busy, BusyReader, Origin, OriginError};
use openchair::clock::Clock;
use openchair::store::{Consistency, Store, StoreError};
use openchair::time_budget::{CALENDAR_LEASE, CALENDAR_RETRY_INTERVAL};
use salon::interval::Interval;
use salon::service::StaffMember;
use salon::staff_calendar::{CalendarReading, SourceReading};
use salon::{Salon, salon_file};
use testing::{Call, Hook, MemoryStore, Outcome};
use tokio::time::{Instant, sleep, timeout};

/// A calendar that records when it is read.
#[derive(Clone, Debug)]
struct FakeOrigin {
    reads: Arc<Mutex<Vec<Read>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

#[derive(Clone, Copy, Debug)]
struct Read {
    begun: Instant,
    /// Whether the reader lived long enough to receive the result.
    heard: bool,
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    /// Answers after a time.
    Answers(Duration),
    Fails,
}

impl FakeOrigin {
    fn new() -> Self {
        let behaviour = Behaviour::Answers(Duration::from_millis(300));
        Self { reads: Arc::default(), behaviour: Arc::new(Mutex::new(behaviour)) }
    }

    fn log(&self) -> MutexGuard<'_, Vec<Read>> {
        self.reads.lock().expect("no panic")
    }

    fn reads(&self) -> usize {
        self.log().len()
    }

    /// Checks that each read began so long after the one before it: after one
    /// that was heard, and after one that was not.
    fn assert_apart(&self, heard: Duration, unheard: Duration) {
        for pair in self.log().windows(2) {
            let (apart, least) =
                (pair[1].begun - pair[0].begun, if pair[0].heard { heard } else { unheard });
            assert!(apart >= least, "read again after {apart:?}: {pair:?}");
        }
    }

    fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }
}

impl Origin for FakeOrigin {
    async fn read(
        &self,
        _: &StaffMember,
        window: Interval<Timestamp>,
        _: Option<&CalendarReading>,
    ) -> Result<BTreeMap<String, SourceReading>, OriginError> {
        let number = self.reads();
        self.log().push(Read { begun: Instant::now(), heard: false });
        let behaviour = *self.behaviour.lock().expect("no panic");
        if let Behaviour::Answers(after) = behaviour {
            sleep(after).await;
        }
        self.log()[number].heard = true;
        match behaviour {
            Behaviour::Answers(_) => {
                let busy =
                    Interval::new(window.start(), window.start() + SignedDuration::from_hours(1));
                let source =
                    SourceReading { busy: busy.into_iter().collect(), ..SourceReading::default() };
                Ok(BTreeMap::from([("ical:own".to_owned(), source)]))
            }
            Behaviour::Fails => Err("it is down".into()),
        }
    }
}

/// A salon whose one person has a calendar, and whose containers share a table.
struct Fleet {
    salon: Arc<Salon>,
    store: MemoryStore,
    origin: FakeOrigin,
    clock: Clock,
}

type Container = BusyReader<MemoryStore, FakeOrigin>;

impl Fleet {
    fn new() -> Self {
        let text = salon_file::COMPILED_IN
            .replace("id = \"s1\"", "id = \"s1\"\ncalendars = [{ ical = \"own\" }]");
        let start = "2026-11-23T07:00:00-08:00".parse().expect("an instant");
        Self {
            salon: Arc::new(salon_file::parse(&text).expect("a salon")),
            store: MemoryStore::default(),
            origin: FakeOrigin::new(),
            clock: Clock::with_runtime(start),
        }
    }

    fn container(&self) -> Container {
        BusyReader::new(self.store.clone(), self.origin.clone(), self.clock.clone())
    }

    async fn read(&self) -> Busy {
        let busy = self.container().read(&self.salon, Consistency::Eventual).await;
        busy.expect("the store is up")
    }

    async fn is_known(&self) -> bool {
        self.read().await.times().len() == 1
    }

    /// Lets fifty containers ask again and again, each at its own pace, and
    /// counts the answers that had nothing to serve. The first `mortal` of them
    /// are killed whenever an answer takes longer than 100 ms.
    async fn ask_for(self: &Arc<Self>, time: Duration, mortal: u64) -> usize {
        let containers = (0..50).map(|number| {
            let fleet = Arc::clone(self);
            tokio::spawn(async move {
                let end = Instant::now() + time;
                let life = Duration::from_millis(if number < mortal { 100 } else { 60_000 });
                let mut unknown = 0;
                while Instant::now() < end {
                    if let Ok(busy) = timeout(life, fleet.read()).await {
                        let age = busy.now.duration_since(busy.as_of);
                        assert!(age < SignedDuration::from_mins(15), "served after {age:#}");
                        unknown += usize::from(busy.times().is_empty());
                    }
                    sleep(Duration::from_millis(500 + number * 37)).await;
                }
                unknown
            })
        });
        let mut unknown = 0;
        for container in containers.collect::<Vec<_>>() {
            unknown += container.await.expect("no panic");
        }
        unknown
    }
}

/// Freezes a container for longer than a lease, after it has looked for a reading.
struct FreezesAfterLooking;

impl Hook for FreezesAfterLooking {
    fn after<'a>(
        &'a self,
        call: Call<'a>,
        _: Outcome<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if matches!(call, Call::Readings) {
                sleep(CALENDAR_LEASE.unsigned_abs() * 2).await;
            }
            Ok(())
        })
    }
}

/// The shortest time for which a reading is fresh: the salon's, less a sixth.
const FRESH: Duration = Duration::from_secs(50);

#[tokio::test(start_paused = true)]
async fn fifty_containers_read_the_calendar_once_a_freshness_period() {
    let fleet = Arc::new(Fleet::new());
    let unknown = fleet.ask_for(Duration::from_mins(5), 0).await;
    assert_eq!(unknown, 0, "a container had nothing to serve");
    fleet.origin.assert_apart(FRESH, FRESH);
    // Fresh for 50 to 60 s: five to six periods in five minutes, and the first.
    let reads = fleet.origin.reads();
    assert!((5..=7).contains(&reads), "{reads} reads in five minutes");
}

#[tokio::test(start_paused = true)]
async fn fifty_containers_read_once_more_for_each_that_is_killed_while_it_reads() {
    let fleet = Arc::new(Fleet::new());
    fleet.read().await;
    let unknown = fleet.ask_for(Duration::from_mins(10), 15).await;
    assert_eq!(unknown, 0, "the reading from before should have been served");
    fleet.origin.assert_apart(FRESH, CALENDAR_LEASE.unsigned_abs());
    let killed = fleet.origin.log().iter().filter(|read| !read.heard).count();
    assert!(killed > 0, "somebody should have been killed while they read");
    let reads = fleet.origin.reads();
    assert!((10 + killed..=13 + killed).contains(&reads), "{reads} reads, {killed} killed");
}

#[tokio::test(start_paused = true)]
async fn fifty_containers_try_a_slow_calendar_once_a_freshness_period() {
    let fleet = Arc::new(Fleet::new());
    fleet.read().await;
    fleet.origin.behave(Behaviour::Answers(Duration::from_mins(1)));
    let unknown = fleet.ask_for(Duration::from_mins(5), 0).await;
    assert_eq!(unknown, 0, "the reading from before should have been served");
    fleet.origin.assert_apart(FRESH, FRESH);
}

#[tokio::test(start_paused = true)]
async fn fifty_containers_fail_closed_when_a_calendar_is_down_for_15_minutes() {
    let fleet = Arc::new(Fleet::new());
    fleet.read().await;
    fleet.origin.behave(Behaviour::Fails);
    // While they ask, it is checked that nothing older than 15 minutes is served.
    assert_eq!(fleet.ask_for(Duration::from_secs(14 * 60 + 50), 0).await, 0);
    fleet.origin.assert_apart(FRESH, FRESH);
    sleep(Duration::from_secs(10)).await;
    assert!(fleet.ask_for(Duration::from_mins(1), 0).await > 0);
    assert!(!fleet.is_known().await);
    fleet.origin.assert_apart(
        CALENDAR_RETRY_INTERVAL.unsigned_abs(),
        CALENDAR_RETRY_INTERVAL.unsigned_abs(),
    );
}

#[tokio::test(start_paused = true)]
async fn a_frozen_container_does_not_overwrite_a_newer_reading() {
    let fleet = Fleet::new();
    let mut frozen = pin!(fleet.read());
    let begun = timeout(Duration::from_millis(100), &mut frozen).await;
    assert!(begun.is_err(), "the read should have been under way");

    sleep(Duration::from_secs(10)).await;
    fleet.read().await;
    let kept = || async {
        let member = &fleet.salon.staff[0].id;
        let mut readings =
            fleet.store.readings(&[member], Consistency::Strong).await.expect("the store is up");
        readings.remove(member).expect("a reading was kept")
    };
    let newer = kept().await;
    sleep(Duration::from_secs(20)).await;
    frozen.await;
    assert_eq!(fleet.origin.reads(), 2, "both read");
    assert_eq!(kept().await, newer);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_container_does_not_read_again_what_another_has_read_meanwhile() {
    let fleet = Fleet::new();
    let store = fleet.store.with_hook(FreezesAfterLooking);
    let frozen = BusyReader::new(store, fleet.origin.clone(), fleet.clock.clone());
    let (busy, _) = tokio::join!(frozen.read(&fleet.salon, Consistency::Eventual), fleet.read());
    let busy = busy.expect("the store is up");
    assert_eq!(busy.times().len(), 1, "the reading of the other container should be served");
    assert_eq!(
        fleet.origin.reads(),
        1,
        "the other container's lease is over, its reading is fresh"
    );
}

#[tokio::test(start_paused = true)]
async fn a_killed_container_costs_one_more_read_after_its_lease() {
    let fleet = Fleet::new();
    let container = fleet.container();
    let killed =
        timeout(Duration::from_millis(100), container.read(&fleet.salon, Consistency::Eventual))
            .await;
    assert!(killed.is_err(), "the read should have been under way");

    assert!(!fleet.is_known().await, "nobody else may read while the lease runs");
    assert_eq!(fleet.origin.reads(), 1);
    sleep(Duration::from_secs(2)).await;
    assert!(fleet.is_known().await);
    assert_eq!(fleet.origin.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_container_without_a_reading_waits_for_the_one_that_reads() {
    let fleet = Fleet::new();
    let (first, second) = tokio::join!(fleet.read(), fleet.read());
    assert_eq!((first.times().len(), second.times().len(), fleet.origin.reads()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn reading_a_slow_calendar_ends_at_the_deadline() {
    let fleet = Fleet::new();
    fleet.origin.behave(Behaviour::Answers(Duration::from_mins(1)));
    let begun = Instant::now();
    assert!(!fleet.is_known().await);
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failing_calendar_is_served_stale_for_15_minutes() {
    let fleet = Fleet::new();
    let first = fleet.read().await;
    assert_eq!(first.as_of, first.now);
    fleet.origin.behave(Behaviour::Fails);

    sleep(Duration::from_mins(14)).await;
    let stale = fleet.read().await;
    assert_eq!(stale.times().len(), 1);
    assert_eq!(stale.now.duration_since(stale.as_of).as_secs(), 14 * 60);
    assert!(stale.good_until <= stale.as_of + SignedDuration::from_mins(15));

    sleep(Duration::from_mins(1)).await;
    assert!(!fleet.is_known().await, "a reading of 15 minutes ago must not be served");

    fleet.origin.behave(Behaviour::Answers(Duration::ZERO));
    sleep(Duration::from_mins(1)).await;
    assert!(fleet.is_known().await, "a calendar that is back should be read again");
}

#[tokio::test(start_paused = true)]
async fn a_failing_calendar_is_read_no_more_often_than_a_working_one() {
    let fleet = Fleet::new();
    fleet.read().await;
    fleet.origin.behave(Behaviour::Fails);
    for _ in 0..300 {
        fleet.read().await;
        sleep(Duration::from_secs(1)).await;
    }
    let reads = fleet.origin.reads();
    assert!((5..=7).contains(&reads), "{reads} reads in five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_reading_outlives_midnight() {
    let fleet = Fleet::new();
    sleep(Duration::from_secs(16 * 3600 + 59 * 60 + 50)).await;
    fleet.read().await;
    fleet.origin.behave(Behaviour::Fails);
    sleep(Duration::from_secs(90)).await;
    assert!(
        fleet.is_known().await,
        "the reading of the evening should serve the first minutes of the day"
    );
}

#[tokio::test(start_paused = true)]
async fn staff_without_a_calendar_are_known() {
    let fleet = Fleet {
        salon: Arc::new(salon_file::parse(salon_file::COMPILED_IN).expect("a salon")),
        ..Fleet::new()
    };
    assert!(fleet.is_known().await);
    assert_eq!(fleet.origin.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_an_error() {
    let fleet = Fleet::new();
    fleet.store.set_down(true);
    let read = fleet.container().read(&fleet.salon, Consistency::Eventual).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}
