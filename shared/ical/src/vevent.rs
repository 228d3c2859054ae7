//! Events: the parts of a `VEVENT` that concern time (RFC 5545, 3.6.1).

use jiff::civil::DateTime;

use super::components::Component;
use super::lines::{Line, Property};
use super::rule::Rule;
use super::values::{Length, Moment, Period, Reason, length, moment, moments, periods};
use super::zones::Zones;

/// A parsed `VEVENT`.
#[derive(Debug)]
pub(super) struct VEvent<'a> {
    pub(super) uid: &'a str,
    /// Whether it takes time: it is neither cancelled, nor transparent, nor shown as free.
    pub(super) is_busy: bool,
    pub(super) version: (i64, &'a str),
    pub(super) times: Times,
    /// The occurrence that it replaces, and whether it also replaces all later ones.
    pub(super) replaces: Option<(Moment, bool)>,
}

/// When an event takes place.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) start: Moment,
    pub(super) length: Length,
    pub(super) rules: Vec<Rule>,
    pub(super) except_rules: Vec<Rule>,
    pub(super) extra: Vec<Moment>,
    pub(super) extra_periods: Vec<Period>,
    pub(super) except: Vec<Moment>,
}

impl Times {
    /// Returns whether there may be more than one occurrence.
    pub(super) fn recurs(&self) -> bool {
        !(self.rules.is_empty() && self.extra.is_empty() && self.extra_periods.is_empty())
    }
}

impl<'a> VEvent<'a> {
    /// Parses a `VEVENT`. Returns `None` for one that has no effect on time: it takes none
    /// and replaces nothing.
    pub(super) fn read(
        component: &Component<'a>,
        zones: &mut Zones<'a>,
    ) -> Result<Option<Self>, Reason> {
        let is = |property, value| {
            component.lines.iter().any(|line| line.property == property && line.is(value))
        };
        let is_busy = !is(Property::Status, "CANCELLED")
            && !is(Property::Transp, "TRANSPARENT")
            && !is(Property::BusyStatus, "FREE");
        let replaces = match single(component, Property::RecurrenceId)? {
            Some(line) => Some((moment(line, zones)?, line.param_is("RANGE", "THISANDFUTURE"))),
            None => None,
        };
        let sequence = match component.value(Property::Sequence) {
            Some(text) => text.parse().map_err(|_| format!("SEQUENCE {text:?} is not a number"))?,
            None => 0,
        };
        let stamp = component.value(Property::DtStamp).unwrap_or_default();
        let times = if is_busy {
            times(component, zones)?
        } else {
            // An event that takes no time need not have a valid time.
            match start(component, zones) {
                Ok(start) => Times::once(start, Length::ZERO),
                Err(_) => match &replaces {
                    Some((instance, _)) => Times::once(instance.clone(), Length::ZERO),
                    None => return Ok(None),
                },
            }
        };
        if replaces.is_some() && times.recurs() {
            return Err("it replaces an occurrence, and recurs itself".to_owned());
        }
        let uid = component.value(Property::Uid).unwrap_or_default();
        Ok(Some(Self { uid, is_busy, version: (sequence, stamp), times, replaces }))
    }
}

impl Times {
    fn once(start: Moment, length: Length) -> Self {
        Self {
            start,
            length,
            rules: Vec::new(),
            except_rules: Vec::new(),
            extra: Vec::new(),
            extra_periods: Vec::new(),
            except: Vec::new(),
        }
    }
}

fn start<'a>(component: &Component<'a>, zones: &mut Zones<'a>) -> Result<Moment, Reason> {
    let line = single(component, Property::DtStart)?.ok_or("it has no DTSTART")?;
    moment(line, zones)
}

fn times<'a>(component: &Component<'a>, zones: &mut Zones<'a>) -> Result<Times, Reason> {
    let start = start(component, zones)?;
    let length = event_length(component, &start, zones)?;
    let mut times = Times::once(start, length);
    for line in &component.lines {
        match line.property {
            Property::RRule => times.rules.push(Rule::parse(line.value)?),
            Property::ExRule => times.except_rules.push(Rule::parse(line.value)?),
            Property::ExDate if !line.value.is_empty() => {
                times.except.extend(moments(line, zones)?);
            }
            Property::RDate if line.param_is("VALUE", "PERIOD") => {
                times.extra_periods.extend(periods(line, zones)?);
            }
            Property::RDate if !line.value.is_empty() => times.extra.extend(moments(line, zones)?),
            _ => {}
        }
    }
    Ok(times)
}

fn event_length<'a>(
    component: &Component<'a>,
    start: &Moment,
    zones: &mut Zones<'a>,
) -> Result<Length, Reason> {
    let one_day = Length { days: 1, seconds: 0 };
    let end = single(component, Property::DtEnd)?;
    let duration = single(component, Property::Duration)?;
    match (end, duration) {
        (Some(_), Some(_)) => Err("it has a DTEND and a DURATION".to_owned()),
        (None, None) if start.is_date => Ok(one_day),
        (None, None) => Ok(Length::ZERO),
        (None, Some(line)) => {
            length(line.value).ok_or_else(|| format!("DURATION {:?} cannot be read", line.value))
        }
        (Some(line), None) => {
            let end = moment(line, zones)?;
            if end.is_date != start.is_date {
                return Err("one of DTSTART and DTEND is a date, the other a date-time".to_owned());
            }
            if start.is_date {
                return match end.civil.duration_since(start.civil).as_hours() / 24 {
                    ..0 => Err(before(start.civil, end.civil)),
                    // Some programs write one day with its end on the same day.
                    0 => Ok(one_day),
                    days => Ok(Length { days, seconds: 0 }),
                };
            }
            let mut exact = end.instant().duration_since(start.instant());
            if !exact.is_positive() && end.zone.is(&start.zone) {
                // The start was in a gap and has shifted past the end: use the written times.
                exact = end.civil.duration_since(start.civil);
            }
            if exact.is_negative() {
                return Err(before(start.civil, end.civil));
            }
            Ok(Length { days: 0, seconds: exact.as_secs() })
        }
    }
}

fn before(start: DateTime, end: DateTime) -> Reason {
    format!("it ends ({end}) before it begins ({start})")
}

/// Returns the line of a property that may occur once.
fn single<'c, 'a>(
    component: &'c Component<'a>,
    property: Property,
) -> Result<Option<&'c Line<'a>>, Reason> {
    let mut lines = component.lines.iter().filter(|line| line.property == property);
    match (lines.next(), lines.next()) {
        (_, Some(_)) => Err(format!("it has more than one {}", property.name())),
        (line, None) => Ok(line),
    }
}
