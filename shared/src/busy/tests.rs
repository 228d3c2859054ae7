use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::salon_file;
use crate::store::MemoryStore;

/// A calendar that counts how often it is read.
#[derive(Debug)]
struct FakeOrigin {
    reads: AtomicUsize,
    behaviour: Mutex<Behaviour>,
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    /// Answers after a time.
    Answers(Duration),
    Fails,
}

impl FakeOrigin {
    fn new() -> Arc<Self> {
        let behaviour = Mutex::new(Behaviour::Answers(Duration::from_millis(300)));
        Arc::new(Self { reads: AtomicUsize::new(0), behaviour })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }
}

impl Origin for Arc<FakeOrigin> {
    async fn read(
        &self,
        _: &StaffMember,
        window: Interval<Timestamp>,
        _: Option<&CalendarReading>,
    ) -> Result<BTreeMap<String, SourceReading>, OriginError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let behaviour = *self.behaviour.lock().expect("no panic");
        match behaviour {
            Behaviour::Answers(after) => {
                sleep(after).await;
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
    store: Arc<MemoryStore>,
    origin: Arc<FakeOrigin>,
    clock: Clock,
}

type Container = BusyReader<Arc<MemoryStore>, Arc<FakeOrigin>>;

impl Fleet {
    fn new() -> Self {
        let text = salon_file::COMPILED_IN
            .replace("id = \"s1\"", "id = \"s1\"\ncalendars = [{ ical = \"own\" }]");
        let start = "2026-11-23T07:00:00-08:00".parse().expect("an instant");
        Self {
            salon: Arc::new(salon_file::parse(&text).expect("a salon")),
            store: Arc::default(),
            origin: FakeOrigin::new(),
            clock: Clock::with_runtime(start),
        }
    }

    fn container(&self) -> Container {
        BusyReader::new(Arc::clone(&self.store), Arc::clone(&self.origin), self.clock.clone())
    }

    async fn read(&self) -> Busy {
        let busy = self.container().read(&self.salon, Consistency::Eventual).await;
        busy.expect("the store is up")
    }

    async fn is_known(&self) -> bool {
        self.read().await.times().len() == 1
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_containers_read_the_calendar_once_a_freshness_period() {
    let fleet = Arc::new(Fleet::new());
    let containers = (0..50).map(|number| {
        let fleet = Arc::clone(&fleet);
        tokio::spawn(async move {
            let container = fleet.container();
            let end = Instant::now() + Duration::from_mins(5);
            let mut unknown = 0;
            while Instant::now() < end {
                let busy = container
                    .read(&fleet.salon, Consistency::Eventual)
                    .await
                    .expect("the store is up");
                unknown += usize::from(busy.times().is_empty());
                sleep(Duration::from_millis(500 + number * 37)).await;
            }
            unknown
        })
    });
    for container in containers.collect::<Vec<_>>() {
        assert_eq!(container.await.expect("no panic"), 0, "a container had nothing to serve");
    }
    // Fresh for 50 to 60 s: five to six periods in five minutes, and the first.
    let reads = fleet.origin.reads();
    assert!((5..=7).contains(&reads), "{reads} reads in five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_killed_holder_costs_one_read_more_after_its_lease() {
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
async fn who_has_nothing_to_serve_waits_for_the_one_who_reads() {
    let fleet = Fleet::new();
    let (first, second) = tokio::join!(fleet.read(), fleet.read());
    assert_eq!((first.times().len(), second.times().len(), fleet.origin.reads()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_calendar_is_given_up_at_the_deadline() {
    let fleet = Fleet::new();
    fleet.origin.behave(Behaviour::Answers(Duration::from_mins(1)));
    let begun = Instant::now();
    assert!(!fleet.is_known().await);
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_fails_is_served_stale_with_its_age_and_then_not_at_all() {
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
async fn a_calendar_that_fails_is_asked_no_oftener_than_one_that_works() {
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
async fn who_has_no_calendar_needs_none() {
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
