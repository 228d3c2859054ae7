//! Series: the occurrences of the events with one UID, and their replacements.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use super::occurrences::TooManyOccurrences;
use super::rule::{Rule, Until};
use super::values::{Length, Moment};
use super::vevent::{Times, VEvent};
use super::zones::Zone;
use crate::time_range::TimeRange;

/// More than the difference between any two zones.
const ZONES_APART: SignedDuration = SignedDuration::from_hours(48);

/// Adds the time within `window` that the events of one UID take.
///
/// Of several versions of an event, or of a replacement of one occurrence, the one with the
/// highest `SEQUENCE` counts, then the latest `DTSTAMP`. Equal versions all count.
///
/// # Errors
///
/// [`TooManyOccurrences`] if `busy` then has more than `limit` intervals.
pub(super) fn add_busy(
    events: &[&VEvent<'_>],
    window: TimeRange,
    limit: usize,
    busy: &mut Vec<TimeRange>,
) -> Result<(), TooManyOccurrences> {
    let replacements: Vec<_> =
        latest(events.iter().copied().filter(|event| event.replaces.is_some()));
    for event in &replacements {
        if event.is_busy {
            let Times { start, length, .. } = &event.times;
            let begin = start.instant();
            busy.extend(clip(begin, length.end(start.civil, begin, &start.zone), window));
        }
    }
    for event in latest(events.iter().copied().filter(|event| event.replaces.is_none())) {
        if event.is_busy {
            Series { times: &event.times, replacements: &replacements }
                .add_busy(window, limit, busy)?;
        }
    }
    if busy.len() > limit { Err(TooManyOccurrences) } else { Ok(()) }
}

/// Keeps the latest version of the event, or of each replaced occurrence.
fn latest<'e, 'a>(events: impl Iterator<Item = &'e VEvent<'a>>) -> Vec<&'e VEvent<'a>> {
    let replaced = |event: &VEvent<'_>| event.replaces.as_ref().map(|(moment, _)| moment.instant());
    let mut events: Vec<_> = events.map(|event| (replaced(event), event)).collect();
    events.sort_by(|a, b| (a.0, b.1.version).cmp(&(b.0, a.1.version)));
    let mut kept: Vec<(Option<Timestamp>, &VEvent<'_>)> = Vec::with_capacity(events.len());
    for (replaced, event) in events {
        match kept.last() {
            Some((of, newest)) if *of == replaced && newest.version > event.version => {}
            _ => kept.push((replaced, event)),
        }
    }
    kept.into_iter().map(|(_, event)| event).collect()
}

fn clip(start: Timestamp, end: Timestamp, window: TimeRange) -> Option<TimeRange> {
    TimeRange::new(start, end)?.intersection(&window)
}

/// An event, and the events that replace occurrences of it.
struct Series<'s, 'e, 'a> {
    times: &'s Times,
    replacements: &'s [&'e VEvent<'a>],
}

/// The effect of `RANGE=THISANDFUTURE` on the occurrences after the replaced one.
struct Change<'s> {
    from: Timestamp,
    is_busy: bool,
    zone: &'s Zone,
    shift: SignedDuration,
    length: Length,
}

impl Series<'_, '_, '_> {
    fn add_busy(
        &self,
        window: TimeRange,
        limit: usize,
        busy: &mut Vec<TimeRange>,
    ) -> Result<(), TooManyOccurrences> {
        let Times { start, length, .. } = self.times;
        let replaced = self.replaced();
        let except = Except::new(self.times);
        let changes = self.changes();
        if !self.times.recurs() {
            let begin = start.instant();
            if !replaced.contains(&begin) && !except.has(start.civil, begin) {
                self.add_instance(start.civil, begin, &changes, window, busy);
            }
            return Ok(());
        }
        for period in &self.times.extra_periods {
            let begin = period.start.instant();
            if !replaced.contains(&begin) && !except.has(start.zone.civil(begin), begin) {
                busy.extend(clip(begin, period.end, window));
            }
        }
        let (from, to) = days(window, *length, &changes);
        let mut except_times = HashSet::new();
        for rule in &self.times.except_rules {
            except_times.extend(self.recur(rule, from, to, limit)?);
        }
        let mut instances = Vec::new();
        if (from..=to).contains(&start.civil.date()) {
            instances.push((start.civil, start.instant()));
        }
        instances.extend(self.times.extra.iter().map(|extra| self.instance(extra)));
        for rule in &self.times.rules {
            let times = self.recur(rule, from, to, limit)?;
            instances.extend(times.into_iter().map(|civil| (civil, start.zone.instant(civil))));
        }
        for (civil, begin) in instances {
            if !(except_times.contains(&civil)
                || except.has(civil, begin)
                || replaced.contains(&begin))
            {
                self.add_instance(civil, begin, &changes, window, busy);
            }
        }
        Ok(())
    }

    /// Lists the occurrences of a rule on the days from `from` to `to`.
    fn recur(
        &self,
        rule: &Rule,
        from: Date,
        to: Date,
        limit: usize,
    ) -> Result<Vec<DateTime>, TooManyOccurrences> {
        let start = &self.times.start;
        let local = |utc: DateTime| start.zone.civil(Zone::utc().instant(utc));
        let last = match rule.until {
            None => to,
            Some(Until::Date(date)) => date,
            Some(Until::Local(limit)) => limit.date(),
            // `UNTIL` of an all-day event should be a date. Of the two readings of a time,
            // the later one keeps more days busy.
            Some(Until::Utc(limit)) => limit.date().max(local(limit).date()),
        };
        let mut times = rule.between(start.civil, from, to.min(last), limit)?;
        if !start.is_date {
            times.retain(|&civil| match rule.until {
                None | Some(Until::Date(_)) => true,
                Some(Until::Local(limit)) => civil <= limit,
                Some(Until::Utc(limit)) => start.zone.instant(civil) <= Zone::utc().instant(limit),
            });
        }
        Ok(times)
    }

    /// Returns the occurrence that a `RECURRENCE-ID` or `RDATE` names: on the clock of the
    /// series, and as an instant, since the clock may show a time twice.
    fn instance(&self, moment: &Moment) -> (DateTime, Timestamp) {
        let start = &self.times.start;
        let date = match (moment.is_date, start.is_date) {
            (true, _) => Some(moment.civil.date()),
            (false, true) => date_of(moment, &start.zone),
            (false, false) => None,
        };
        if let Some(date) = date {
            // For an event with a time, a date means that day at the event's time.
            let civil = date.to_datetime(start.civil.time());
            return (civil, start.zone.instant(civil));
        }
        let instant = moment.instant();
        (start.zone.civil(instant), instant)
    }

    /// Returns the original starts of the replaced occurrences.
    fn replaced(&self) -> HashSet<Timestamp> {
        let starts = self.replacements.iter().filter_map(|event| event.replaces.as_ref());
        starts.map(|(moment, _)| self.instance(moment).1).collect()
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let changes = self.replacements.iter().filter_map(|event| {
            let (replaced, true) = event.replaces.as_ref()? else { return None };
            let (_, from) = self.instance(replaced);
            let Times { start, length, .. } = &event.times;
            let shift = start.civil.duration_since(start.zone.civil(from));
            Some(Change { from, is_busy: event.is_busy, zone: &start.zone, shift, length: *length })
        });
        // Sorted by `latest`.
        changes.collect()
    }

    fn add_instance(
        &self,
        civil: DateTime,
        begin: Timestamp,
        changes: &[Change<'_>],
        window: TimeRange,
        busy: &mut Vec<TimeRange>,
    ) {
        let Times { start, length, .. } = self.times;
        let Some(change) = changes.iter().rev().find(|change| change.from < begin) else {
            busy.extend(clip(begin, length.end(civil, begin, &start.zone), window));
            return;
        };
        if change.is_busy {
            let civil = change.zone.civil(begin).saturating_add(change.shift);
            let begin = change.zone.instant(civil);
            busy.extend(clip(begin, change.length.end(civil, begin, change.zone), window));
        }
    }
}

/// Returns the days on which an occurrence in the window may begin.
fn days(window: TimeRange, length: Length, changes: &[Change<'_>]) -> (Date, Date) {
    let utc = Zone::utc();
    let mut from = utc.civil(window.start()).saturating_sub(length.at_most());
    let mut to = utc.civil(window.end());
    for change in changes {
        let start = utc.civil(window.start());
        from = from.min(start.saturating_sub(change.length.at_most()).saturating_sub(change.shift));
        to = to.max(utc.civil(window.end()).saturating_sub(change.shift));
    }
    (from.saturating_sub(ZONES_APART).date(), to.saturating_add(ZONES_APART).date())
}

/// The occurrences that `EXDATE` removes.
struct Except {
    instants: HashSet<Timestamp>,
    dates: HashSet<Date>,
}

impl Except {
    fn new(times: &Times) -> Self {
        let mut except = Self { instants: HashSet::new(), dates: HashSet::new() };
        for moment in &times.except {
            // A date removes every occurrence that begins on it.
            let date = match (moment.is_date, times.start.is_date) {
                (true, _) => Some(moment.civil.date()),
                (false, true) => date_of(moment, &times.start.zone),
                (false, false) => None,
            };
            match date {
                Some(date) => except.dates.insert(date),
                None => except.instants.insert(moment.instant()),
            };
        }
        except
    }

    fn has(&self, civil: DateTime, begin: Timestamp) -> bool {
        (!self.instants.is_empty() && self.instants.contains(&begin))
            || (!self.dates.is_empty() && self.dates.contains(&civil.date()))
    }
}

/// Returns the date of a midnight, in the zone of an all-day event or as written.
fn date_of(moment: &Moment, zone: &Zone) -> Option<Date> {
    let midnights = [zone.civil(moment.instant()), moment.civil];
    midnights.into_iter().find(|civil| civil.time() == Time::midnight()).map(DateTime::date)
}
