//! When the staff are busy: day sheets, and calendars behind the table's cache.
//!
//! Calendars are slow, limited, and sometimes down, so what was read of them
//! is kept in the table, where all containers share it. Past its freshness one
//! container takes the lease and reads them again, before it answers: a Lambda
//! freezes after its answer, so nothing is left running. The others go on with
//! what is there, up to `max_stale`; after that the owner is unknown, and what
//! is unknown is not free.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::Clock;
use crate::store::{CachedCalendar, Consistency, Lease, Sheets, Store, StoreError};
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use crate::time_budget::{
    CALENDAR_LEASE, CALENDAR_POLL_INTERVAL, CALENDAR_RETRY_INTERVAL, CALENDAR_TIMEOUT,
    CALENDAR_WAIT,
};
use salon::availability::BusyTimes;
use salon::day::Day;
use salon::interval::{Interval, IntervalSet};
use salon::service::{StaffId, StaffMember};
use salon::staff_calendar::{CalendarReading, SourceReading};
use salon::{DateRange, Salon};

/// For how long an answer is good that something newer is expected for.
const SOON: SignedDuration = SignedDuration::from_secs(5);

/// Why calendars could not be read, for the log.
pub type OriginError = Box<dyn Error + Send + Sync>;

/// Where calendars are read.
pub trait Origin: Send + Sync {
    /// Reads when somebody's calendars make them busy during `window`, by
    /// source. What is `known` from before may spare reading what has not
    /// changed.
    ///
    /// # Errors
    /// When any of the calendars cannot be read or understood: there is no
    /// part of an answer.
    fn read(
        &self,
        member: &StaffMember,
        window: Interval<Timestamp>,
        known: Option<&CalendarReading>,
    ) -> impl Future<Output = Result<BTreeMap<String, SourceReading>, OriginError>> + Send;
}

/// The origin of a salon whose staff have no calendars: it is never asked.
#[derive(Clone, Copy, Debug)]
pub struct NoCalendars;

impl Origin for NoCalendars {
    async fn read(
        &self,
        _: &StaffMember,
        _: Interval<Timestamp>,
        _: Option<&CalendarReading>,
    ) -> Result<BTreeMap<String, SourceReading>, OriginError> {
        Err("there are no calendars".into())
    }
}

/// Reads when the staff are busy.
#[derive(Debug)]
pub struct BusyReader<S, O> {
    store: S,
    origin: O,
    clock: Clock,
}

/// When the staff are busy, and how good that knowledge is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Busy {
    /// The day sheets of the horizon.
    pub sheets: Sheets,
    /// The calendars' busy times. Who has calendars that cannot be read is
    /// missing.
    pub calendars: HashMap<StaffId, IntervalSet<Timestamp>>,
    /// The time that this is about.
    pub now: Timestamp,
    /// `now`, or, if a calendar could not be read in time, when the oldest
    /// reading was made.
    pub as_of: Timestamp,
    /// When it is worth asking again.
    pub good_until: Timestamp,
}

impl Busy {
    /// Returns when each person is busy. Who is unknown is missing.
    #[must_use]
    pub fn times(&self) -> BusyTimes {
        let all = |(id, calendar): (&StaffId, &IntervalSet<Timestamp>)| {
            let sheets = self.sheets.get(id).map_or(&[][..], Vec::as_slice);
            let taken = sheets.iter().flat_map(|sheet| sheet.busy(self.now).as_slice().to_vec());
            (id.clone(), calendar.iter().copied().chain(taken).collect())
        };
        self.calendars.iter().map(all).collect()
    }
}

/// What is known of somebody's calendars.
enum Known {
    /// They have none, or a fresh reading.
    Fresh(IntervalSet<Timestamp>, Timestamp),
    /// An older reading that may still be served.
    Stale(CalendarReading),
    Unknown,
}

impl<S: Store, O: Origin> BusyReader<S, O> {
    /// Makes a reader.
    pub const fn new(store: S, origin: O, clock: Clock) -> Self {
        Self { store, origin, clock }
    }

    /// Returns the reader's clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns where day sheets and readings are kept.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Reads when the staff are busy on the days that can be booked now.
    ///
    /// # Errors
    /// As [`BusyReader::read_days`].
    pub async fn read(&self, salon: &Salon, consistency: Consistency) -> Result<Busy, StoreError> {
        let everybody: Vec<_> = salon.staff.iter().collect();
        let horizon = salon.horizon(self.clock.now());
        self.read_days(salon, &everybody, horizon, consistency).await
    }

    /// Reads when some of the staff are busy on some days. Day sheets and
    /// cached calendars are read side by side.
    ///
    /// # Errors
    /// When the store cannot be asked. A calendar that cannot be read is no
    /// error: its owner is unknown.
    pub async fn read_days(
        &self,
        salon: &Salon,
        staff: &[&StaffMember],
        days: DateRange,
        consistency: Consistency,
    ) -> Result<Busy, StoreError> {
        let now = self.clock.now();
        let all: Vec<_> = staff.iter().map(|member| &member.id).collect();
        let with_calendars: Vec<_> =
            staff.iter().filter(|member| !member.calendars.is_empty()).map(|m| &m.id).collect();
        let calendars = async {
            if with_calendars.is_empty() {
                return Ok(HashMap::new());
            }
            self.store.calendars(&with_calendars, consistency).await
        };
        let sheets = self.store.sheets(&all, days, consistency);
        let (sheets, mut cached) = futures_util::try_join!(sheets, calendars)?;

        // Whoever reads calendars reads them for all who come after.
        let window = window(salon, salon.horizon(now));
        let known = join_all(staff.iter().map(|member| {
            let cached = cached.remove(&member.id).unwrap_or_default();
            async { (&member.id, self.calendars(salon, member, window, cached).await) }
        }));
        let mut busy =
            Busy { sheets, calendars: HashMap::new(), now, as_of: now, good_until: Timestamp::MAX };
        for (id, known) in known.await {
            let (times, good_until) = match known {
                Known::Fresh(times, fresh_until) => (Some(times), fresh_until),
                Known::Stale(reading) => {
                    busy.as_of = busy.as_of.min(reading.read_at);
                    (Some(reading.busy()), (reading.read_at + salon.max_stale()).min(now + SOON))
                }
                Known::Unknown => (None, now + SOON),
            };
            busy.good_until = busy.good_until.min(good_until);
            busy.calendars.extend(times.map(|times| (id.clone(), times)));
        }
        Ok(busy)
    }

    async fn calendars(
        &self,
        salon: &Salon,
        member: &StaffMember,
        window: Interval<Timestamp>,
        cached: CachedCalendar,
    ) -> Known {
        if member.calendars.is_empty() {
            return Known::Fresh(IntervalSet::empty(), Timestamp::MAX);
        }
        let judge = |cached: &CachedCalendar| judge(cached, salon, &window, self.clock.now());
        let so_far = judge(&cached);
        if matches!(so_far, Known::Fresh(..)) {
            return so_far;
        }
        let now = self.clock.now();
        let lease_until = now + CALENDAR_LEASE;
        match self.store.take_lease(&member.id, now, lease_until).await {
            Ok(Lease::Taken) => self.refresh(salon, member, window, cached, lease_until).await,
            Ok(Lease::Refused(newer)) => match judge(&newer) {
                Known::Unknown => self.wait_for_another(member, judge).await,
                known => known,
            },
            Err(error) => {
                tracing::warn!(staff.id = %member.id, error.cause = chain(&error), "No lease could be taken");
                so_far
            }
        }
    }

    /// Reads somebody's calendars, with the lease that this needs.
    async fn refresh(
        &self,
        salon: &Salon,
        member: &StaffMember,
        window: Interval<Timestamp>,
        cached: CachedCalendar,
        lease_until: Timestamp,
    ) -> Known {
        let known = cached.reading.as_ref();
        // A day more than is shown, so that a reading outlives midnight.
        let wider = Interval::new(window.start(), window.end() + SignedDuration::from_hours(26))
            .unwrap_or(window);
        // As old as the question: a container may freeze before it has the answer.
        let read_at = self.clock.now();
        count(Metric::OriginReads);
        let failure = match timeout(CALENDAR_TIMEOUT, self.origin.read(member, wider, known)).await
        {
            Ok(Ok(sources)) => {
                let reading =
                    CalendarReading::new(sources, wider, read_at, read_at + freshness(salon));
                if let Err(error) = self.store.put_reading(&member.id, &reading).await {
                    tracing::warn!(staff.id = %member.id, error.cause = chain(&error), "A reading could not be kept");
                }
                return Known::Fresh(reading.busy(), reading.fresh_until);
            }
            Ok(Err(error)) => error,
            Err(_) => "it took too long".into(),
        };
        tracing::warn!(staff.id = %member.id, error.cause = chain(failure.as_ref()), "The calendars cannot be read");
        let now = self.clock.now();
        let known = judge(&cached, salon, &window, now);
        let pause = match known {
            Known::Unknown => CALENDAR_RETRY_INTERVAL,
            Known::Fresh(..) | Known::Stale(_) => freshness(salon),
        };
        if let Err(error) = self.store.move_lease(&member.id, lease_until, now + pause).await {
            tracing::warn!(staff.id = %member.id, error.cause = chain(&error), "A lease could not be moved");
        }
        known
    }

    /// Waits for a reading that somebody else is making.
    async fn wait_for_another(
        &self,
        member: &StaffMember,
        judge: impl Fn(&CachedCalendar) -> Known,
    ) -> Known {
        let deadline = Instant::now() + CALENDAR_WAIT;
        while Instant::now() < deadline {
            sleep(CALENDAR_POLL_INTERVAL).await;
            match self.store.calendars(&[&member.id], Consistency::Strong).await {
                Ok(mut cached) => match judge(&cached.remove(&member.id).unwrap_or_default()) {
                    Known::Unknown => {}
                    known => return known,
                },
                Err(error) => {
                    tracing::warn!(staff.id = %member.id, error.cause = chain(&error), "A reading could not be waited for");
                    return Known::Unknown;
                }
            }
        }
        Known::Unknown
    }
}

fn judge(
    cached: &CachedCalendar,
    salon: &Salon,
    window: &Interval<Timestamp>,
    now: Timestamp,
) -> Known {
    match &cached.reading {
        Some(reading) if !reading.is_usable(window, salon.max_stale(), now) => Known::Unknown,
        Some(reading) if reading.is_fresh(now) => Known::Fresh(reading.busy(), reading.fresh_until),
        Some(reading) => Known::Stale(reading.clone()),
        None => Known::Unknown,
    }
}

/// Returns the instants of all the days that can be booked.
fn window(salon: &Salon, horizon: DateRange) -> Interval<Timestamp> {
    let first = Day::new(horizon.first, &salon.time_zone).span();
    let last = Day::new(horizon.last, &salon.time_zone).span();
    Interval::new(first.start(), last.end()).unwrap_or(first)
}

/// Draws for how long a reading is fresh: up to a sixth less than the salon
/// says, so that the calendars of many people do not come due together.
fn freshness(salon: &Salon) -> SignedDuration {
    let longest = i64::from(salon.calendar_fresh_seconds);
    SignedDuration::from_secs(longest - fastrand::i64(0..=longest / 6))
}
