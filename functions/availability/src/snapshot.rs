use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use shared::clock::Clock;
use shared::domain::availability::{Availability, BusyTimes};
use shared::domain::salon::Salon;
use shared::http::caching::CacheableBody;
use shared::http::{ApiError, CacheLevel};
use shared::store::{Consistency, Store, StoreError};

use crate::body;
use crate::query::Query;

/// For how long a snapshot answers requests.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// How old an answer may be that was asked to be current.
const CURRENT: SignedDuration = SignedDuration::from_secs(1);
/// For how long a failure to read the table answers requests, so that those
/// which waited for it do not each try in turn.
const FAILURE: SignedDuration = SignedDuration::from_secs(1);
/// How many bodies are kept of a snapshot. A salon's site asks for a few
/// dozen; a crawler that tries all dates must not fill the memory.
const MAX_BODIES: usize = 256;

/// When the staff were busy at one instant, and the bodies made of that.
#[derive(Debug)]
pub(crate) struct Snapshot {
    taken_at: Timestamp,
    busy: BusyTimes,
    bodies: Mutex<HashMap<Query, Arc<CacheableBody>>>,
}

/// How fresh a snapshot a request wants.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// At most 60 s old.
    Cached,
    /// At most 1 s old, and read consistently.
    Current,
}

impl Wanted {
    const fn max_age(self) -> SignedDuration {
        match self {
            Self::Cached => LIFETIME,
            Self::Current => CURRENT,
        }
    }

    const fn consistency(self) -> Consistency {
        match self {
            Self::Cached => Consistency::Eventual,
            Self::Current => Consistency::Strong,
        }
    }
}

/// The container's cache: the newest snapshot, taken by one request while the
/// others wait for it.
#[derive(Debug)]
pub(crate) struct Snapshots<S> {
    salon: Arc<Salon>,
    store: S,
    clock: Clock,
    newest: RwLock<Option<Arc<Snapshot>>>,
    /// When the last attempt to take one failed. Locked while one is taken.
    failed_at: tokio::sync::Mutex<Option<Timestamp>>,
}

impl<S: Store> Snapshots<S> {
    pub(crate) fn new(salon: Arc<Salon>, store: S, clock: Clock) -> Self {
        Self {
            salon,
            store,
            clock,
            newest: RwLock::default(),
            failed_at: tokio::sync::Mutex::default(),
        }
    }

    /// Returns a snapshot that is fresh enough, and whether it was there.
    pub(crate) async fn get(
        &self,
        wanted: Wanted,
    ) -> Result<(Arc<Snapshot>, CacheLevel), StoreError> {
        if let Some(snapshot) = self.fresh(wanted) {
            return Ok((snapshot, CacheLevel::Container));
        }
        let mut failed_at = self.failed_at.lock().await;
        if let Some(snapshot) = self.fresh(wanted) {
            return Ok((snapshot, CacheLevel::Container));
        }
        let now = self.clock.now();
        if failed_at.is_some_and(|at| now.duration_since(at) < FAILURE) {
            return Err(StoreError::Unavailable {
                asked: "busy times",
                source: "it failed less than a second ago".into(),
            });
        }
        let staff: Vec<_> = self.salon.staff.iter().map(|member| &member.id).collect();
        let busy =
            self.store.busy_times(&staff, self.salon.horizon(now), now, wanted.consistency()).await;
        *failed_at = busy.is_err().then_some(now);
        let snapshot = Arc::new(Snapshot { taken_at: now, busy: busy?, bodies: Mutex::default() });
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        Ok((snapshot, CacheLevel::Table))
    }

    /// Returns how long ago a snapshot was taken, in whole seconds.
    pub(crate) fn age_seconds(&self, snapshot: &Snapshot) -> u64 {
        self.age(snapshot).as_secs().try_into().unwrap_or(0)
    }

    fn fresh(&self, wanted: Wanted) -> Option<Arc<Snapshot>> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().filter(|snapshot| self.age(snapshot) < wanted.max_age()).cloned()
    }

    fn age(&self, snapshot: &Snapshot) -> SignedDuration {
        self.clock.now().duration_since(snapshot.taken_at)
    }
}

impl Snapshot {
    /// Returns the body that has already been made for a query.
    pub(crate) fn known_body(&self, query: &Query) -> Option<Arc<CacheableBody>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned()
    }

    /// Makes the body for a query, and keeps it while there is room.
    pub(crate) fn body(&self, salon: &Salon, query: Query) -> Result<Arc<CacheableBody>, ApiError> {
        let availability = Availability::new(salon, &self.busy, self.taken_at);
        let json = match &query.service {
            None => body::open_time(availability.open_time(query.staff.as_ref())),
            Some(starts) => {
                let service = salon
                    .service(starts.service.as_str())
                    .ok_or_else(|| ApiError::internal("a service vanished"))?;
                let dates = starts.dates(salon.horizon(self.taken_at))?;
                body::starts(
                    salon,
                    service,
                    availability.starts(service, query.staff.as_ref(), dates),
                )
            }
        };
        let body = Arc::new(CacheableBody::new(json));
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if bodies.len() < MAX_BODIES {
            bodies.insert(query, Arc::clone(&body));
        }
        Ok(body)
    }
}
