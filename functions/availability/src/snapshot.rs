//! Snapshots of the staff's busy times, and the response bodies built from them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use openchair::busy::{Busy, BusyReader, Origin};
use openchair::http::caching::CacheableBody;
use openchair::http::{ApiError, CacheLevel};
use openchair::store::{Consistency, Store, StoreError};
use openchair::time_budget::{SNAPSHOT_CURRENT, SNAPSHOT_FAILURE, SNAPSHOT_LIFETIME};
use salon::Salon;
use salon::availability::{Availability, BusyTimes, DayStarts, Start};

use crate::availability_json;
use crate::query::Query;

/// Maximum number of bodies kept with a snapshot. A salon's site requests a few dozen; a
/// crawler that tries all dates must not fill the memory.
const MAX_BODIES: usize = 256;

/// The staff's busy times as read at one instant, and the response bodies built from them.
#[derive(Debug)]
pub(crate) struct Snapshot {
    busy: BusyTimes,
    /// The busy times for those who stand by.
    standby_busy: BusyTimes,
    taken_at: Timestamp,
    /// The instant from which the `Age` header is counted.
    as_of: Timestamp,
    /// When a newer snapshot may differ.
    good_until: Timestamp,
    bodies: Mutex<HashMap<Query, Arc<CacheableBody>>>,
}

/// How fresh a snapshot a request needs.
#[derive(Clone, Copy)]
pub(crate) enum Freshness {
    /// At most 60 s old.
    Cached,
    /// At most 1 s old, and read consistently.
    Current,
}

impl Freshness {
    const fn max_age(self) -> SignedDuration {
        match self {
            Self::Cached => SNAPSHOT_LIFETIME,
            Self::Current => SNAPSHOT_CURRENT,
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
pub(crate) struct Snapshots<S, O> {
    salon: Arc<Salon>,
    reader: BusyReader<S, O>,
    newest: RwLock<Option<Arc<Snapshot>>>,
    /// When the last attempt to take one failed. Locked while one is taken.
    failed_at: tokio::sync::Mutex<Option<Timestamp>>,
}

impl<S: Store, O: Origin> Snapshots<S, O> {
    pub(crate) fn new(salon: Arc<Salon>, reader: BusyReader<S, O>) -> Self {
        Self { salon, reader, newest: RwLock::default(), failed_at: tokio::sync::Mutex::default() }
    }

    /// Returns a snapshot that is fresh enough, and where it came from.
    pub(crate) async fn get(
        &self,
        freshness: Freshness,
    ) -> Result<(Arc<Snapshot>, CacheLevel), StoreError> {
        if let Some(snapshot) = self.fresh(freshness) {
            return Ok((snapshot, CacheLevel::Container));
        }
        let mut failed_at = self.failed_at.lock().await;
        if let Some(snapshot) = self.fresh(freshness) {
            return Ok((snapshot, CacheLevel::Container));
        }
        let now = self.now();
        if failed_at.is_some_and(|at| now.duration_since(at) < SNAPSHOT_FAILURE) {
            let source = "another request's read failed less than a second ago".into();
            return Err(StoreError::Unavailable { asked: "busy times", source });
        }
        let busy = self.reader.read(&self.salon, freshness.consistency()).await;
        *failed_at = busy.is_err().then_some(now);
        let snapshot = Arc::new(Snapshot::new(&busy?));
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        Ok((snapshot, CacheLevel::Table))
    }

    /// Returns a snapshot's age in whole seconds.
    pub(crate) fn age_seconds(&self, snapshot: &Snapshot) -> u64 {
        self.now().duration_since(snapshot.as_of).as_secs().try_into().unwrap_or(0)
    }

    fn fresh(&self, freshness: Freshness) -> Option<Arc<Snapshot>> {
        let now = self.now();
        let is_fresh = |snapshot: &&Arc<Snapshot>| {
            now.duration_since(snapshot.taken_at) < freshness.max_age() && now < snapshot.good_until
        };
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().filter(is_fresh).cloned()
    }

    fn now(&self) -> Timestamp {
        self.reader.clock().now()
    }
}

impl Snapshot {
    fn new(busy: &Busy) -> Self {
        let (taken_at, as_of, good_until) = (busy.now, busy.as_of, busy.good_until);
        Self {
            busy: busy.times(),
            standby_busy: busy.standby_times(),
            taken_at,
            as_of,
            good_until,
            bodies: Mutex::default(),
        }
    }

    /// Returns the body for a query, if it has been made.
    pub(crate) fn known_body(&self, query: &Query) -> Option<Arc<CacheableBody>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned()
    }

    /// Makes the body for a query, and keeps it if there is room.
    pub(crate) fn body(&self, salon: &Salon, query: Query) -> Result<Arc<CacheableBody>, ApiError> {
        let availability = Availability::new(salon, &self.busy, self.taken_at);
        let starts = query.service.as_ref();
        if availability.is_unknown(starts.map(|starts| &starts.service), query.staff.as_ref()) {
            return Err(ApiError::calendar_unavailable());
        }
        let json = match starts {
            None => availability_json::open_time(availability.open_time(query.staff.as_ref())),
            Some(starts) => {
                let service = salon.service(starts.service.as_str()).ok_or_else(|| {
                    ApiError::internal("a service that was parsed is not in the salon file")
                })?;
                let dates = starts.dates(salon.horizon(self.taken_at))?;
                let staff = query.staff.as_ref();
                let free = availability.starts(service, staff, dates);
                if starts.with_standby {
                    let standby = Availability::new(salon, &self.standby_busy, self.taken_at);
                    let all = standby.starts(service, staff, dates);
                    availability_json::starts(salon, service, with_standby(free, all))
                } else {
                    let days = free.map(|day| (day, Vec::new()));
                    availability_json::starts(salon, service, days)
                }
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

/// Adds the starts that only holds are in the way of to each day.
fn with_standby<'a>(
    free: impl Iterator<Item = DayStarts<'a>>,
    all: impl Iterator<Item = DayStarts<'a>>,
) -> impl Iterator<Item = (DayStarts<'a>, Vec<Start<'a>>)> {
    free.zip(all).map(|(free, mut all)| {
        all.starts.retain(|start| !free.starts.iter().any(|other| other.at == start.at));
        (free, all.starts)
    })
}
