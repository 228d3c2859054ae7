//! A salon's day: the bridge between wall-clock times and instants.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::clock_time::{ClockRange, ClockTime};
use super::dst_policy::DstPolicy;
use super::interval::{Interval, IntervalSet};

/// One local date in the salon's time zone.
///
/// When the clocks change, a day has 23, 25 or 23.5 hours, and some wall-clock
/// times occur twice or not at all. A day reads them by
/// [`DstPolicy::EveryOccurrence`]; its first instant is found by
/// [`DstPolicy::FirstOrShifted`], as midnight may be skipped.
#[derive(Clone, Debug)]
pub struct Day {
    date: Date,
    span: Interval<Timestamp>,
    pieces: Vec<Piece>,
}

/// A part of a day with one offset from UTC.
#[derive(Clone, Copy, Debug)]
struct Piece {
    span: Interval<Timestamp>,
    offset: Offset,
    /// The instant of 00:00 on the date at this offset. It may lie outside the
    /// piece.
    midnight: Timestamp,
}

const MINUTE: i64 = 60;

impl Day {
    /// Makes the day of `date` in `zone`.
    ///
    /// # Panics
    /// On the first and last dates that jiff supports (years -9999 and 9999).
    #[must_use]
    pub fn new(date: Date, zone: &TimeZone) -> Self {
        Self::starting_at(first_instant(date, zone), date, zone)
    }

    /// Makes the days of consecutive dates. Faster than [`Day::new`] for each.
    ///
    /// # Panics
    /// As [`Day::new`].
    pub(super) fn series(
        dates: impl Iterator<Item = Date>,
        zone: &TimeZone,
    ) -> impl Iterator<Item = Self> {
        let mut next = None;
        dates.map(move |date| {
            let start = next.unwrap_or_else(|| first_instant(date, zone));
            let day = Self::starting_at(start, date, zone);
            next = Some(day.span.end());
            day
        })
    }

    fn starting_at(start: Timestamp, date: Date, zone: &TimeZone) -> Self {
        let next = date.tomorrow().expect("the date is not the last that jiff supports");
        let span = Interval::new(start, first_instant(next, zone));
        let span = span.expect("a day is not empty");
        Self { date, span, pieces: pieces(date, span, zone) }
    }

    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Returns the time from the day's first instant to the next day's.
    #[must_use]
    pub const fn span(&self) -> Interval<Timestamp> {
        self.span
    }

    /// Returns the offset from UTC at an instant of this day.
    #[must_use]
    pub fn offset_at(&self, instant: Timestamp) -> Offset {
        let later = self.pieces.partition_point(|piece| piece.span.end() <= instant);
        self.pieces[later.min(self.pieces.len() - 1)].offset
    }

    /// Returns the instants at which the clock shows a time in one of `ranges`.
    ///
    /// Skipped times have no instants, and repeated ones have two.
    #[must_use]
    pub fn instants(&self, ranges: &IntervalSet<ClockTime>) -> IntervalSet<Timestamp> {
        let in_piece = |piece: &Piece| {
            let piece = *piece;
            ranges.iter().filter_map(move |range| piece.instants(*range))
        };
        self.pieces.iter().flat_map(in_piece).collect()
    }

    /// Returns the wall-clock minutes that lie in `instants` every time they
    /// occur on this day.
    ///
    /// A minute that lies in the set only partly, or only at one of its two
    /// occurrences, is left out. So is a minute that does not occur.
    #[must_use]
    pub fn clock_times(&self, instants: &IntervalSet<Timestamp>) -> IntervalSet<ClockTime> {
        if let [piece] = self.pieces.as_slice() {
            // Every time occurs once.
            return piece.clock_times(instants.overlapping(&self.span));
        }
        let whole_day = ClockRange::new(ClockTime::START_OF_DAY, ClockTime::END_OF_DAY);
        let whole_day: IntervalSet<_> = whole_day.into_iter().collect();
        let mut excluded: IntervalSet<ClockTime> = whole_day.clone();
        for piece in &self.pieces {
            excluded = excluded.difference(&piece.clock_times([&piece.span]));
        }
        for piece in &self.pieces {
            let occurring = piece.clock_times([&piece.span]);
            let inside = piece.clock_times(instants.overlapping(&piece.span));
            excluded = excluded.union(&occurring.difference(&inside));
        }
        whole_day.difference(&excluded)
    }

    /// Iterates in order over the instants in `within` at which the clock shows
    /// a multiple of `step` minutes since midnight.
    ///
    /// # Panics
    /// When `step` is 0.
    pub fn aligned(
        &self,
        step: u16,
        within: &Interval<Timestamp>,
    ) -> impl Iterator<Item = Timestamp> {
        let within = *within;
        let in_piece = move |piece: &Piece| {
            let piece = *piece;
            let shared = piece.span.intersection(&within);
            shared.into_iter().flat_map(move |shared| piece.aligned(step, shared))
        };
        self.pieces.iter().flat_map(in_piece)
    }
}

impl Piece {
    fn at(&self, minutes: i64) -> Timestamp {
        self.midnight + SignedDuration::from_secs(minutes * MINUTE)
    }

    fn instants(&self, range: ClockRange) -> Option<Interval<Timestamp>> {
        let at = |time: ClockTime| self.at(i64::from(time.minutes()));
        Interval::new(at(range.start()), at(range.end()))?.intersection(&self.span)
    }

    /// Returns the whole minutes that the clock shows during `spans`.
    fn clock_times<'a>(
        &self,
        spans: impl IntoIterator<Item = &'a Interval<Timestamp>>,
    ) -> IntervalSet<ClockTime> {
        let clock_range = |span: &Interval<Timestamp>| {
            let span = span.intersection(&self.span)?;
            let start = whole_minutes_up(span.start().duration_since(self.midnight));
            let end = span.end().duration_since(self.midnight).as_secs().div_euclid(MINUTE);
            ClockRange::new(clamp_to_day(start), clamp_to_day(end))
        };
        spans.into_iter().filter_map(clock_range).collect()
    }

    fn aligned(self, step: u16, within: Interval<Timestamp>) -> impl Iterator<Item = Timestamp> {
        let step = i64::from(step);
        let earliest = whole_minutes_up(within.start().duration_since(self.midnight));
        let first = earliest.div_euclid(step) + i64::from(earliest.rem_euclid(step) != 0);
        (first..).map(move |index| self.at(index * step)).take_while(move |at| *at < within.end())
    }
}

fn first_instant(date: Date, zone: &TimeZone) -> Timestamp {
    let first = DstPolicy::FirstOrShifted.first_instant(date.at(0, 0, 0, 0), zone);
    first.expect("the date is not at the end of jiff's range")
}

fn pieces(date: Date, span: Interval<Timestamp>, zone: &TimeZone) -> Vec<Piece> {
    let piece = |start, end, offset: Offset| {
        let midnight = offset.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        let span = Interval::new(start, end)?;
        Some(Piece { span, offset, midnight })
    };
    // Searching for transitions is slow, and 363 days of a year have none.
    let offset = zone.to_offset(span.start());
    if offset == zone.to_offset(span.end()) {
        return piece(span.start(), span.end(), offset).into_iter().collect();
    }
    let following = zone.following(span.start()).map(|change| change.timestamp());
    let changes: Vec<_> = following.take_while(|at| *at < span.end()).collect();
    let starts = std::iter::once(span.start()).chain(changes.iter().copied());
    let ends = changes.iter().copied().chain([span.end()]);
    starts.zip(ends).filter_map(|(start, end)| piece(start, end, zone.to_offset(start))).collect()
}

fn whole_minutes_up(duration: SignedDuration) -> i64 {
    let exact = duration.as_secs() % MINUTE == 0 && duration.subsec_nanos() == 0;
    duration.as_secs().div_euclid(MINUTE) + i64::from(!exact)
}

fn clamp_to_day(minutes: i64) -> ClockTime {
    let minutes = minutes.clamp(0, i64::from(ClockTime::END_OF_DAY.minutes()));
    u16::try_from(minutes).ok().and_then(ClockTime::from_minutes).unwrap_or(ClockTime::END_OF_DAY)
}

#[cfg(test)]
mod tests;
