//! The question that is asked, and what counts as its answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use serde::Deserialize;
use serde_json::json;

use crate::calendars::calendar_error::CalendarError;
use salon::interval::Interval;

/// The most calendars in a request: Google's `calendarExpansionMax`.
pub(super) const MAX_CALENDARS: usize = 50;

/// The longest window in a request. Google answers `timeRangeTooLong` beyond a
/// span that it does not document; three months is what others found.
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A question that fits into one request.
pub(super) struct FreeBusyQuery<'a> {
    pub(super) window: Interval<Timestamp>,
    pub(super) calendars: &'a [&'a str],
    /// The number of the first calendar, counted from 1 over all requests.
    pub(super) first: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FreeBusyResponse {
    time_min: Option<String>,
    time_max: Option<String>,
    calendars: BTreeMap<String, CalendarPeriods>,
}

#[derive(Deserialize)]
struct CalendarPeriods {
    #[serde(default)]
    errors: Vec<FreeBusyError>,
    busy: Option<Vec<Period>>,
}

#[derive(Deserialize)]
struct FreeBusyError {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Period {
    start: String,
    end: String,
}

/// Cuts a window into parts of whole seconds that each fit into a request.
pub(super) fn parts(window: Interval<Timestamp>) -> Vec<Interval<Timestamp>> {
    let whole = |time: Timestamp, mode| {
        let second = TimestampRound::new().smallest(Unit::Second).mode(mode);
        time.round(second).unwrap_or(time)
    };
    let begin = whole(window.start(), RoundMode::Floor);
    let end = whole(window.end(), RoundMode::Ceil);
    let mut parts = Vec::new();
    let mut from = begin;
    while from < end {
        let to = from.checked_add(MAX_SPAN).map_or(end, |to| to.min(end));
        parts.extend(Interval::new(from, to));
        from = to;
    }
    parts
}

impl FreeBusyQuery<'_> {
    pub(super) fn to_json(&self) -> Bytes {
        let items: Vec<_> = self.calendars.iter().map(|id| json!({"id": id})).collect();
        let body = json!({
            "timeMin": self.window.start().to_string(),
            "timeMax": self.window.end().to_string(),
            "calendarExpansionMax": MAX_CALENDARS,
            "items": items,
        });
        Bytes::from(body.to_string())
    }

    /// Reads the answer. All of it has to be there, and to make sense.
    pub(super) fn read(&self, answer: &[u8]) -> Result<Vec<Interval<Timestamp>>, CalendarError> {
        // The parser's message may quote the answer.
        let answer: FreeBusyResponse = serde_json::from_slice(answer).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            CalendarError::unreadable(format!("not a freeBusy, at line {line} column {column}"))
        })?;
        self.check_window(&answer)?;
        let mut busy = Vec::new();
        for (number, &id) in (self.first..).zip(self.calendars) {
            let periods = periods(answer.calendars.get(id)).map_err(|what| {
                CalendarError::unreadable(format!("calendar {number} of the request: {what}"))
            })?;
            busy.extend(periods);
        }
        Ok(busy)
    }

    /// Refuses an answer about less time than was asked for.
    fn check_window(&self, answer: &FreeBusyResponse) -> Result<(), CalendarError> {
        let told = |text: &Option<String>| text.as_deref().map(instant).transpose();
        let shorter = match (told(&answer.time_min), told(&answer.time_max)) {
            (Ok(from), Ok(to)) => {
                from.is_some_and(|from| from > self.window.start())
                    || to.is_some_and(|to| to < self.window.end())
            }
            _ => return Err(CalendarError::unreadable("its window is no window")),
        };
        if shorter {
            return Err(CalendarError::unreadable("it is about less time than was asked for"));
        }
        Ok(())
    }
}

/// Reads a calendar's busy periods, or tells what is wrong with it.
fn periods(calendar: Option<&CalendarPeriods>) -> Result<Vec<Interval<Timestamp>>, String> {
    let calendar = calendar.ok_or("it is not in the answer")?;
    if let Some(problem) = calendar.errors.first() {
        let reason = problem.reason.as_deref().and_then(word);
        return Err(reason.map_or_else(|| "an error".to_owned(), String::from));
    }
    let periods = calendar.busy.as_ref().ok_or("it has no busy times, not even none")?;
    let read = |period: &Period| {
        let (start, end) = (instant(&period.start).ok()?, instant(&period.end).ok()?);
        // An event that takes no time is a period that takes none.
        (start <= end).then(|| Interval::new(start, end))
    };
    periods
        .iter()
        .map(|period| read(period).ok_or_else(|| "a busy time is not one".to_owned()))
        .filter_map(Result::transpose)
        .collect()
}

/// An instant that is not RFC 3339.
struct NotAnInstant;

/// Reads an instant in RFC 3339, and in no other of ISO 8601's forms: what
/// looks different is not what Google documents.
fn instant(text: &str) -> Result<Timestamp, NotAnInstant> {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let shape: Vec<u8> = text.bytes().map(shape).collect();
    let rest = shape.strip_prefix(b"0000-00-00T00:00:00").ok_or(NotAnInstant)?;
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|&&byte| byte == b'0').count();
            if digits == 0 {
                return Err(NotAnInstant);
            }
            &fraction[digits..]
        }
        None => rest,
    };
    if !matches!(rest, b"Z" | b"+00:00" | b"-00:00") {
        return Err(NotAnInstant);
    }
    text.parse().map_err(|_| NotAnInstant)
}

/// Takes a word of Google's for an error, if it is one: letters, digits and
/// `_`, and never a sentence, which might quote what was sent.
pub(super) fn word(text: &str) -> Option<Box<str>> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    ((1..=40).contains(&text.len()) && text.bytes().all(usual)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(start: &str, end: &str) -> Interval<Timestamp> {
        Interval::new(at(start), at(end)).unwrap()
    }

    fn query<'a>(calendars: &'a [&'a str]) -> FreeBusyQuery<'a> {
        let window = window("2026-11-24T00:00:00Z", "2027-01-05T00:00:00Z");
        FreeBusyQuery { window, calendars, first: 1 }
    }

    #[test]
    fn an_instant_is_rfc_3339_and_nothing_else() {
        let cases = [
            ("2026-11-24T10:00:00Z", true),
            ("2026-11-24T10:00:00.000Z", true),
            ("2026-11-24T10:00:00-08:00", true),
            ("2026-11-24T10:00:00.5+05:30", true),
            ("2026-11-24T10:00:00", false),
            ("2026-11-24 10:00:00Z", false),
            ("2026-11-24", false),
            ("20261124T100000Z", false),
            ("2026-11-24T10:00Z", false),
            ("2026-11-24T10:00:00.Z", false),
            ("2026-11-24T10:00:00,5Z", false),
            ("2026-11-24T10:00:00-08", false),
            ("2026-11-24T10:00:00-08:00[America/Los_Angeles]", false),
            ("2026-02-30T10:00:00Z", false),
            ("2026-11-24T25:00:00Z", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(instant(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_window_is_cut_into_parts_of_whole_seconds_without_a_gap() {
        let long = parts(window("2026-11-24T00:00:00.25Z", "2027-11-24T00:00:00.25Z"));
        assert_eq!(long.len(), 7, "365 days of 60 each");
        assert_eq!(long[0].start(), at("2026-11-24T00:00:00Z"));
        assert_eq!(long[6].end(), at("2027-11-24T00:00:01Z"));
        assert!(long.windows(2).all(|pair| pair[0].end() == pair[1].start()));
        assert_eq!(parts(window("2026-11-24T00:00:00Z", "2027-01-05T00:00:00Z")).len(), 1);
    }

    #[test]
    fn a_period_that_takes_no_time_makes_nothing_busy() {
        let answer = r#"{"calendars": {"a": {"busy": [
            {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T09:00:00Z"},
            {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"},
            {"start": "2026-11-24T12:00:00Z", "end": "2026-11-24T04:00:00-08:00"}
        ]}}}"#;
        let busy = query(&["a"]).read(answer.as_bytes()).unwrap();
        assert_eq!(busy, [window("2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")]);
    }

    #[test]
    fn an_answer_is_whole_or_a_failure_that_names_the_calendar_by_its_number() {
        let cases = [
            (r#"{"calendars": {"a": {"busy": []}, "b": {"busy": []}}}"#, None),
            (
                r#"{"calendars": {"a": {"busy": []}}}"#,
                Some("calendar 2 of the request: it is not in the answer"),
            ),
            (
                r#"{"calendars": {"a": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}, "b": {"busy": []}}}"#,
                Some("calendar 1 of the request: notFound"),
            ),
            (
                r#"{"calendars": {"a": {"errors": [{"reason": "Not Found: hidden@example.com"}]}, "b": {"busy": []}}}"#,
                Some("calendar 1 of the request: an error"),
            ),
            (
                r#"{"calendars": {"a": {}, "b": {"busy": []}}}"#,
                Some("calendar 1 of the request: it has no busy times, not even none"),
            ),
            (
                r#"{"calendars": {"a": {"busy": []}, "b": {"busy": [{"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T09:00:00Z"}]}}}"#,
                Some("calendar 2 of the request: a busy time is not one"),
            ),
            (
                r#"{"calendars": {"a": {"busy": []}, "b": {"busy": [{"start": "2026-11-24", "end": "2026-11-25"}]}}}"#,
                Some("calendar 2 of the request: a busy time is not one"),
            ),
            (
                r#"{"timeMax": "2026-12-01T00:00:00Z", "calendars": {"a": {"busy": []}, "b": {"busy": []}}}"#,
                Some("it is about less time than was asked for"),
            ),
            (r#"{"calendars": {"a": {"busy": "#, Some("not a freeBusy, at line 1 column 29")),
            (r#"{"kind": "calendar#events"}"#, Some("not a freeBusy, at line 1 column 27")),
        ];
        for (answer, expected) in cases {
            let message = query(&["a", "b"]).read(answer.as_bytes()).err().map(|it| it.to_string());
            let expected =
                expected.map(|what| format!("the calendar's answer cannot be read: {what}"));
            assert_eq!(message, expected, "{answer}");
        }
    }
}
