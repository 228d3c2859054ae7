//! Content lines: unfolding, names, parameters (RFC 5545, 3.1 and 3.2).

use std::borrow::Cow;

/// Unfolds long lines (RFC 5545, 3.1). Works on bytes, as a fold may split a UTF-8 sequence.
///
/// A line ends with CRLF or LF; one that starts with a space or a tab continues the line
/// before it.
pub(super) fn unfold(feed: &[u8]) -> Cow<'_, [u8]> {
    let feed = feed.strip_prefix("\u{feff}".as_bytes()).unwrap_or(feed);
    let is_fold = |pair: &[u8]| matches!(pair, [b'\n', b' ' | b'\t']);
    if !feed.windows(2).any(is_fold) {
        return Cow::Borrowed(feed);
    }
    let mut unfolded = Vec::with_capacity(feed.len());
    let mut rest = feed;
    while let Some(at) = rest.windows(2).position(is_fold) {
        let line = &rest[..at];
        unfolded.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = &rest[at + 2..];
    }
    unfolded.extend_from_slice(rest);
    Cow::Owned(unfolded)
}

/// The properties that affect busy time. All others are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    BusyStatus,
    DtEnd,
    DtStamp,
    DtStart,
    Duration,
    ExDate,
    ExRule,
    FreeBusy,
    Location,
    RDate,
    RRule,
    RecurrenceId,
    Sequence,
    Status,
    Transp,
    TzId,
    TzOffsetFrom,
    TzOffsetTo,
    Uid,
    WrTimezone,
}

/// The longest name that [`Property::from_name`] knows.
const LONGEST_NAME: usize = "X-MICROSOFT-CDO-BUSYSTATUS".len();

impl Property {
    fn from_name(name: &str) -> Option<Self> {
        let mut upper = [0; LONGEST_NAME];
        let upper = upper.get_mut(..name.len())?;
        upper.copy_from_slice(name.as_bytes());
        upper.make_ascii_uppercase();
        Some(match &*upper {
            b"DTEND" => Self::DtEnd,
            b"DTSTAMP" => Self::DtStamp,
            b"DTSTART" => Self::DtStart,
            b"DURATION" => Self::Duration,
            b"EXDATE" => Self::ExDate,
            b"EXRULE" => Self::ExRule,
            b"FREEBUSY" => Self::FreeBusy,
            b"RDATE" => Self::RDate,
            b"RECURRENCE-ID" => Self::RecurrenceId,
            b"RRULE" => Self::RRule,
            b"SEQUENCE" => Self::Sequence,
            b"STATUS" => Self::Status,
            b"TRANSP" => Self::Transp,
            b"TZID" => Self::TzId,
            b"TZOFFSETFROM" => Self::TzOffsetFrom,
            b"TZOFFSETTO" => Self::TzOffsetTo,
            b"UID" => Self::Uid,
            b"X-LIC-LOCATION" => Self::Location,
            b"X-MICROSOFT-CDO-BUSYSTATUS" => Self::BusyStatus,
            b"X-WR-TIMEZONE" => Self::WrTimezone,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BusyStatus => "X-MICROSOFT-CDO-BUSYSTATUS",
            Self::DtEnd => "DTEND",
            Self::DtStamp => "DTSTAMP",
            Self::DtStart => "DTSTART",
            Self::Duration => "DURATION",
            Self::ExDate => "EXDATE",
            Self::ExRule => "EXRULE",
            Self::FreeBusy => "FREEBUSY",
            Self::Location => "X-LIC-LOCATION",
            Self::RDate => "RDATE",
            Self::RRule => "RRULE",
            Self::RecurrenceId => "RECURRENCE-ID",
            Self::Sequence => "SEQUENCE",
            Self::Status => "STATUS",
            Self::Transp => "TRANSP",
            Self::TzId => "TZID",
            Self::TzOffsetFrom => "TZOFFSETFROM",
            Self::TzOffsetTo => "TZOFFSETTO",
            Self::Uid => "UID",
            Self::WrTimezone => "X-WR-TIMEZONE",
        }
    }
}

/// A parsed content line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// `BEGIN:` and the component's name.
    Begin(&'a str),
    /// `END:` and the component's name.
    End(&'a str),
    /// A property that affects busy time.
    Line(Line<'a>),
    /// Any other property.
    Other,
}

/// A property with its parameters and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) property: Property,
    params: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Content<'a> {
    /// Parses an unfolded line. Returns `None` if it is not `name *(";" param) ":" value`.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let name_len = line.bytes().position(|byte| !is_name(byte))?;
        let (name, rest) = line.split_at(name_len);
        if name.is_empty() || !rest.starts_with([':', ';']) {
            return None;
        }
        let colon = unquoted(rest, b':')?;
        let (params, value) = (&rest[..colon], rest[colon + 1..].trim());
        if name.eq_ignore_ascii_case("BEGIN") {
            return Some(Self::Begin(value));
        }
        if name.eq_ignore_ascii_case("END") {
            return Some(Self::End(value));
        }
        let line = |property| Self::Line(Line { property, params, value });
        Some(Property::from_name(name).map_or(Self::Other, line))
    }
}

impl<'a> Line<'a> {
    /// Returns the value of a parameter, without its quotes.
    pub(super) fn param(&self, wanted: &str) -> Option<&'a str> {
        let mut rest = self.params.strip_prefix(';')?;
        loop {
            let end = unquoted(rest, b';').unwrap_or(rest.len());
            if let Some((name, value)) = rest[..end].split_once('=')
                && name.eq_ignore_ascii_case(wanted)
            {
                return Some(value.trim_matches('"').trim());
            }
            rest = rest.get(end + 1..)?;
        }
    }

    /// Returns whether a parameter has this value, ignoring case.
    pub(super) fn param_is(&self, name: &str, value: &str) -> bool {
        self.param(name).is_some_and(|given| given.eq_ignore_ascii_case(value))
    }

    /// Returns whether the value is this one, ignoring case.
    pub(super) fn is(&self, value: &str) -> bool {
        self.value.eq_ignore_ascii_case(value)
    }
}

/// Finds a byte outside double quotes.
fn unquoted(text: &str, wanted: u8) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == wanted && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        match Content::parse(text) {
            Some(Content::Line(line)) => line,
            other => panic!("{text:?} is a relevant line, not {other:?}"),
        }
    }

    #[test]
    fn a_quoted_parameter_may_hold_colons_and_semicolons() {
        let start = line("dtstart;x=\"a;b:c\";tzid=\"W: Europe\":20261124T090000");
        assert_eq!(start.property, Property::DtStart);
        assert_eq!(start.param("TZID"), Some("W: Europe"));
        assert_eq!(start.param("VALUE"), None);
        assert_eq!(start.value, "20261124T090000");
    }

    #[test]
    fn names_are_parsed_in_either_case() {
        for property in [Property::BusyStatus, Property::RecurrenceId, Property::WrTimezone] {
            assert_eq!(Property::from_name(property.name()), Some(property));
            assert_eq!(Property::from_name(&property.name().to_lowercase()), Some(property));
        }
        assert_eq!(Content::parse("SUMMARY:DTSTART:1"), Some(Content::Other));
    }

    #[test]
    fn a_line_without_a_name_or_a_colon_is_refused() {
        for text in ["", ":", "<html>", "no colon", "DTSTART;TZID=\"unclosed:20261124"] {
            assert_eq!(Content::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_fold_inside_a_character_is_unfolded() {
        let feed = "SUMMARY:Caf\u{e9} au lait\r\nUID:1\r\n".as_bytes();
        for at in 1..feed.len() - 1 {
            for fold in ["\r\n ", "\n\t"] {
                // A fold cannot be between CR and LF.
                if feed[at - 1] == b'\r' || (fold == "\n\t" && feed[at] == b'\n') {
                    continue;
                }
                let folded = [&feed[..at], fold.as_bytes(), &feed[at..]].concat();
                assert_eq!(unfold(&folded), feed, "at {at}");
            }
        }
    }
}
