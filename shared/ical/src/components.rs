//! Components: `BEGIN`, `END`, and the relevant lines between them (RFC 5545, 3.6).

use super::IcalError;
use super::lines::{Content, Line, Property};

/// The components of a `VCALENDAR`.
#[derive(Debug, Default)]
pub(super) struct Calendar<'a> {
    /// The zone of times without one, from `X-WR-TIMEZONE`.
    pub(super) zone: Option<&'a str>,
    pub(super) events: Vec<Component<'a>>,
    pub(super) free_busy: Vec<Component<'a>>,
    pub(super) zones: Vec<ZoneComponent<'a>>,
}

/// The lines of a component, without those of nested components.
#[derive(Debug, Default)]
pub(super) struct Component<'a> {
    pub(super) lines: Vec<Line<'a>>,
}

/// A `VTIMEZONE` and its `STANDARD` and `DAYLIGHT` parts.
#[derive(Debug, Default)]
pub(super) struct ZoneComponent<'a> {
    pub(super) own: Component<'a>,
    pub(super) observances: Vec<Component<'a>>,
}

impl<'a> Component<'a> {
    /// Returns the value of the first line with this property.
    pub(super) fn value(&self, property: Property) -> Option<&'a str> {
        self.lines.iter().find(|line| line.property == property).map(|line| line.value)
    }

    /// Returns the UID for an error.
    pub(super) fn uid(&self) -> &'a str {
        self.value(Property::Uid).unwrap_or("(no UID)")
    }
}

/// The kind of an open component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Calendar,
    Event,
    FreeBusy,
    Zone,
    Observance,
    /// `VALARM`, `VTODO`, `X-…`, and everything in them.
    Ignored,
}

/// Parses the calendars of a feed.
///
/// # Errors
///
/// [`IcalError::NotACalendar`] if there is no calendar, or anything outside of calendars;
/// [`IcalError::Truncated`] if `BEGIN` and `END` do not match; [`IcalError::Event`] or
/// [`IcalError::Line`] if a line between them is not a content line.
pub(super) fn read(text: &str) -> Result<Vec<Calendar<'_>>, IcalError> {
    let mut calendars: Vec<Calendar<'_>> = Vec::new();
    let mut open: Vec<(Kind, &str)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let kind = open.last().map(|&(kind, _)| kind);
        let Some(content) = Content::parse(line) else {
            match (kind, calendars.last()) {
                (None, _) | (_, None) => return Err(IcalError::NotACalendar),
                (Some(Kind::Ignored), _) => continue,
                (Some(Kind::Event), Some(calendar)) => {
                    let uid = calendar.events.last().map_or("(no UID)", Component::uid);
                    let reason = format!("line {number} after unfolding has no name or no value");
                    return Err(IcalError::Event { uid: uid.to_owned(), reason });
                }
                _ => return Err(IcalError::Line { number }),
            }
        };
        match content {
            Content::Begin(name) => {
                let begun = kind_of(kind, name)
                    .ok_or_else(|| IcalError::Truncated { component: misplaced(&open, name) })?;
                open.push((begun, name));
                add(&mut calendars, begun);
            }
            Content::End(name) => match open.pop() {
                Some((_, begun)) if begun.eq_ignore_ascii_case(name) => {}
                Some((_, begun)) => {
                    return Err(IcalError::Truncated { component: begun.to_owned() });
                }
                None => return Err(IcalError::Truncated { component: name.to_owned() }),
            },
            Content::Line(line) => match (kind, calendars.last_mut()) {
                (Some(kind), Some(calendar)) => keep(calendar, kind, line),
                _ => return Err(IcalError::NotACalendar),
            },
            Content::Other if kind.is_none() => return Err(IcalError::NotACalendar),
            Content::Other => {}
        }
    }
    match open.last() {
        Some((_, name)) => Err(IcalError::Truncated { component: (*name).to_owned() }),
        None if calendars.is_empty() => Err(IcalError::NotACalendar),
        None => Ok(calendars),
    }
}

/// Returns the kind of component that `BEGIN:name` opens inside of `parent`, or `None` if it
/// may not be there.
fn kind_of(parent: Option<Kind>, name: &str) -> Option<Kind> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match parent {
        None => is("VCALENDAR").then_some(Kind::Calendar),
        // After a missing END, all following events would otherwise be ignored.
        _ if is("VCALENDAR") => None,
        Some(Kind::Calendar) => Some(match () {
            () if is("VEVENT") => Kind::Event,
            () if is("VFREEBUSY") => Kind::FreeBusy,
            () if is("VTIMEZONE") => Kind::Zone,
            () => Kind::Ignored,
        }),
        _ if is("VEVENT") || is("VFREEBUSY") => None,
        Some(Kind::Zone) if is("STANDARD") || is("DAYLIGHT") => Some(Kind::Observance),
        Some(_) => Some(Kind::Ignored),
    }
}

fn misplaced(open: &[(Kind, &str)], name: &str) -> String {
    open.last().map_or(name, |(_, parent)| parent).to_owned()
}

fn add(calendars: &mut Vec<Calendar<'_>>, kind: Kind) {
    if kind == Kind::Calendar {
        calendars.push(Calendar::default());
        return;
    }
    let calendar = calendars.last_mut().expect("other components begin inside of a calendar");
    match kind {
        Kind::Event => calendar.events.push(Component::default()),
        Kind::FreeBusy => calendar.free_busy.push(Component::default()),
        Kind::Zone => calendar.zones.push(ZoneComponent::default()),
        Kind::Observance => {
            let zone = calendar.zones.last_mut().expect("an observance begins inside of a zone");
            zone.observances.push(Component::default());
        }
        Kind::Calendar | Kind::Ignored => {}
    }
}

fn keep<'a>(calendar: &mut Calendar<'a>, kind: Kind, line: Line<'a>) {
    let component = match kind {
        Kind::Calendar => {
            if line.property == Property::WrTimezone {
                calendar.zone = Some(line.value);
            }
            None
        }
        Kind::Event => calendar.events.last_mut(),
        Kind::FreeBusy => calendar.free_busy.last_mut(),
        Kind::Zone => calendar.zones.last_mut().map(|zone| &mut zone.own),
        Kind::Observance => calendar.zones.last_mut().and_then(|zone| zone.observances.last_mut()),
        Kind::Ignored => None,
    };
    if let Some(component) = component {
        component.lines.push(line);
    }
}
