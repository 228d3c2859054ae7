//! When the staff are busy: day sheets, and calendars behind the table's cache.
//!
//! Calendars are slow, rate-limited and sometimes down, so readings of them are
//! cached in the table, which all containers share. When a reading is no longer
//! fresh, one container takes the lease and reads the calendars again before it
//! answers: Lambda freezes a container after its response, so a background task cannot do this.
//! The other containers use the old reading until `max_stale`. After that, the
//! person's availability is unknown, which is treated as not free.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::Clock;
use crate::store::{Consistency, Lease, Sheets, Store, StoreError};
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use crate::time_budget::{
    CALENDAR_LEASE, CALENDAR_POLL_INTERVAL, CALENDAR_RETRY_INTERVAL, CALENDAR_TIMEOUT,
    CALENDAR_WAIT,
};
use salon::availability::BusyTimes;
use salon::day::Day;
use salon::day_sheet::DaySheet;
use salon::interval::{Interval, IntervalSet};
use salon::service::{StaffId, StaffMember};
use salon::staff_calendar::{CalendarReading, SourceReading};
use salon::{DateRange, Salon};

/// How long a response may be cached while a reading is stale or missing.
const STALE_ANSWER_LIFETIME: SignedDuration = SignedDuration::from_secs(5);

/// The reason why calendars could not be read. It is logged.
pub type OriginError = Box<dyn Error + Send + Sync>;

/// Reads calendars at their origin.
pub trait Origin: Send + Sync {
    /// Reads the busy time of a person's calendars during `window`, by source. The
    /// previous reading, `known`, allows to skip unchanged sources.
    ///
    /// # Errors
    /// When any of the calendars cannot be read or understood. There are no partial
    /// answers.
    fn read(
        &self,
        member: &StaffMember,
        window: Interval<Timestamp>,
        known: Option<&CalendarReading>,
    ) -> impl Future<Output = Result<BTreeMap<String, SourceReading>, OriginError>> + Send;
}

/// The origin of a salon whose staff have no calendars. It is never called.
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

/// When the staff are busy, and how current that is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Busy {
    /// The day sheets of the horizon.
    pub sheets: Sheets,
    /// The calendars' busy times. A person whose calendars cannot be read is
    /// missing.
    pub calendars: HashMap<StaffId, IntervalSet<Timestamp>>,
    /// The current time.
    pub now: Timestamp,
    /// When the oldest stale reading was made; `now` if all readings are fresh.
    pub as_of: Timestamp,
    /// When the answer should be computed again.
    pub good_until: Timestamp,
}

impl Busy {
    /// Returns when each person is busy. Staff members whose availability is unknown are absent.
    #[must_use]
    pub fn times(&self) -> BusyTimes {
        self.with_calendars(|sheet| sheet.busy(self.now))
    }

    /// Returns when each person is busy for clients who stand by: holds are not in their
    /// way.
    #[must_use]
    pub fn standby_times(&self) -> BusyTimes {
        self.with_calendars(DaySheet::paid)
    }

    fn with_calendars(&self, taken: impl Fn(&DaySheet) -> IntervalSet<Timestamp>) -> BusyTimes {
        let all = |(id, calendar): (&StaffId, &IntervalSet<Timestamp>)| {
            let sheets = self.sheets.get(id).map_or(&[][..], Vec::as_slice);
            let taken = sheets.iter().flat_map(|sheet| taken(sheet).as_slice().to_vec());
            (id.clone(), calendar.iter().copied().chain(taken).collect())
        };
        self.calendars.iter().map(all).collect()
    }
}

/// What is known about a person's calendars.
enum CalendarState {
    /// No calendars, or a fresh reading. The second field is when it stops being fresh.
    Fresh(IntervalSet<Timestamp>, Timestamp),
    /// The reading is old, but may still be served.
    Stale(CalendarReading),
    Unknown,
}

impl<S: Store, O: Origin> BusyReader<S, O> {
    pub const fn new(store: S, origin: O, clock: Clock) -> Self {
        Self { store, origin, clock }
    }

    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Reads when the staff are busy on the days that can be booked.
    ///
    /// # Errors
    /// As [`BusyReader::read_days`].
    pub async fn read(&self, salon: &Salon, consistency: Consistency) -> Result<Busy, StoreError> {
        let everybody: Vec<_> = salon.staff.iter().collect();
        let horizon = salon.horizon(self.clock.now());
        self.read_days(salon, &everybody, horizon, consistency).await
    }

    /// Reads when some of the staff are busy on some days. Day sheets and cached
    /// calendars are read concurrently.
    ///
    /// # Errors
    /// When the store cannot be read. An unreadable calendar is not an
    /// error: it makes its owner's availability unknown.
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
        let readings = async {
            if with_calendars.is_empty() {
                return Ok(HashMap::new());
            }
            self.store.readings(&with_calendars, consistency).await
        };
        let sheets = self.store.sheets(&all, days, consistency);
        let (sheets, mut readings) = futures_util::try_join!(sheets, readings)?;

        // A reading serves later requests too, so it covers all bookable days.
        let window = window(salon, salon.horizon(now));
        let known = join_all(staff.iter().map(|member| {
            let found = readings.remove(&member.id);
            async { (&member.id, self.calendars(salon, member, window, found, now).await) }
        }));
        let mut busy =
            Busy { sheets, calendars: HashMap::new(), now, as_of: now, good_until: Timestamp::MAX };
        for (id, known) in known.await {
            let (times, good_until) = match known {
                CalendarState::Fresh(times, fresh_until) => (Some(times), fresh_until),
                CalendarState::Stale(reading) => {
                    busy.as_of = busy.as_of.min(reading.read_at);
                    (
                        Some(reading.busy()),
                        (reading.read_at + salon.max_stale()).min(now + STALE_ANSWER_LIFETIME),
                    )
                }
                CalendarState::Unknown => (None, now + STALE_ANSWER_LIFETIME),
            };
            busy.good_until = busy.good_until.min(good_until);
            busy.calendars.extend(times.map(|times| (id.clone(), times)));
        }
        Ok(busy)
    }

    /// Returns what is known about a person's calendars. `found` is the reading that
    /// somebody who looked at `looked_at` found.
    async fn calendars(
        &self,
        salon: &Salon,
        member: &StaffMember,
        window: Interval<Timestamp>,
        found: Option<CalendarReading>,
        looked_at: Timestamp,
    ) -> CalendarState {
        if member.calendars.is_empty() {
            return CalendarState::Fresh(IntervalSet::empty(), Timestamp::MAX);
        }
        let assess =
            |reading: Option<&CalendarReading>| assess(reading, salon, &window, self.clock.now());
        let from_cache = assess(found.as_ref());
        if matches!(from_cache, CalendarState::Fresh(..)) {
            return from_cache;
        }
        let lease_until = self.clock.now() + CALENDAR_LEASE;
        match self.store.take_lease(&member.id, looked_at, lease_until).await {
            Ok(Lease::Taken) => self.refresh(salon, member, window, found, lease_until).await,
            Ok(Lease::Refused) => match assess(found.as_ref()) {
                CalendarState::Unknown => self.wait_for_another(member, assess).await,
                known => known,
            },
            Err(error) => {
                tracing::warn!(
                    staff.id = %member.id, error.cause = chain(&error),
                    "Calendar lease could not be taken"
                );
                assess(found.as_ref())
            }
        }
    }

    /// Reads a person's calendars. The caller has the lease.
    async fn refresh(
        &self,
        salon: &Salon,
        member: &StaffMember,
        window: Interval<Timestamp>,
        known: Option<CalendarReading>,
        lease_until: Timestamp,
    ) -> CalendarState {
        // One day more than is shown, so that a reading is usable after midnight.
        let wider = Interval::new(window.start(), window.end() + SignedDuration::from_hours(26))
            .unwrap_or(window);
        // The time is taken before the request, because a container may freeze before it gets the response.
        let read_at = self.clock.now();
        count(Metric::OriginReads);
        let failure = match timeout(
            CALENDAR_TIMEOUT,
            self.origin.read(member, wider, known.as_ref()),
        )
        .await
        {
            Ok(Ok(sources)) => {
                let reading =
                    CalendarReading::new(sources, wider, read_at, read_at + freshness(salon));
                if let Err(error) = self.store.put_reading(&member.id, &reading).await {
                    tracing::warn!(
                        staff.id = %member.id, error.cause = chain(&error),
                        "Calendar reading could not be stored"
                    );
                }
                return CalendarState::Fresh(reading.busy(), reading.fresh_until);
            }
            Ok(Err(error)) => error,
            Err(_) => "the calendars took too long to answer".into(),
        };
        tracing::warn!(
            staff.id = %member.id, error.cause = chain(failure.as_ref()),
            "Calendars could not be read"
        );
        let now = self.clock.now();
        let known = assess(known.as_ref(), salon, &window, now);
        let pause = match known {
            CalendarState::Unknown => CALENDAR_RETRY_INTERVAL,
            CalendarState::Fresh(..) | CalendarState::Stale(_) => freshness(salon),
        };
        if let Err(error) = self.store.move_lease(&member.id, lease_until, now + pause).await {
            tracing::warn!(
                staff.id = %member.id, error.cause = chain(&error),
                "Calendar lease could not be rescheduled"
            );
        }
        known
    }

    /// Waits for a reading by another container.
    async fn wait_for_another(
        &self,
        member: &StaffMember,
        assess: impl Fn(Option<&CalendarReading>) -> CalendarState,
    ) -> CalendarState {
        let deadline = Instant::now() + CALENDAR_WAIT;
        while Instant::now() < deadline {
            sleep(CALENDAR_POLL_INTERVAL).await;
            match self.store.readings(&[&member.id], Consistency::Strong).await {
                Ok(readings) => match assess(readings.get(&member.id)) {
                    CalendarState::Unknown => {}
                    known => return known,
                },
                Err(error) => {
                    tracing::warn!(
                        staff.id = %member.id, error.cause = chain(&error),
                        "Calendar reading could not be polled"
                    );
                    return CalendarState::Unknown;
                }
            }
        }
        CalendarState::Unknown
    }
}

/// Returns what is known at `now` from the last reading.
fn assess(
    reading: Option<&CalendarReading>,
    salon: &Salon,
    window: &Interval<Timestamp>,
    now: Timestamp,
) -> CalendarState {
    match reading {
        Some(reading) if !reading.is_usable(window, salon.max_stale(), now) => {
            CalendarState::Unknown
        }
        Some(reading) if reading.is_fresh(now) => {
            CalendarState::Fresh(reading.busy(), reading.fresh_until)
        }
        Some(reading) => CalendarState::Stale(reading.clone()),
        None => CalendarState::Unknown,
    }
}

/// Returns the time from the first to the last of some days.
fn window(salon: &Salon, horizon: DateRange) -> Interval<Timestamp> {
    let first = Day::new(horizon.first, &salon.time_zone).span();
    let last = Day::new(horizon.last, &salon.time_zone).span();
    Interval::new(first.start(), last.end()).unwrap_or(first)
}

/// Picks at random how long a reading stays fresh: up to a sixth less than the salon file says,
/// so that the readings of many people do not all expire together.
fn freshness(salon: &Salon) -> SignedDuration {
    let longest = i64::from(salon.calendar_fresh_seconds);
    SignedDuration::from_secs(longest - fastrand::i64(0..=longest / 6))
}
