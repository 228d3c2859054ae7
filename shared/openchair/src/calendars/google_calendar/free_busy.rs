//! The request and response of `freeBusy.query`.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use serde::Deserialize;
use serde_json::json;

use crate::calendars::calendar_error::CalendarError;
use crate::calendars::google_calendar::google_response::error_code;
use salon::interval::Interval;

/// The largest number of calendars in a request: Google's
/// `calendarExpansionMax`.
pub(super) const MAX_CALENDARS: usize = 50;

/// The longest window of a request. Google rejects longer ones with
/// `timeRangeTooLong`. It does not document the limit, which is about three
/// months.
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A query that fits into one request.
pub(super) struct FreeBusyQuery<'a> {
    pub(super) window: Interval<Timestamp>,
    pub(super) calendars: &'a [&'a str],
    /// The number of the first calendar, counted from 1 over all requests.
    pub(super) first_number: usize,
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

/// Splits a window into parts of whole seconds that each fit into a request.
pub(super) fn split_window(window: Interval<Timestamp>) -> Vec<Interval<Timestamp>> {
    let to_second = |time: Timestamp, mode| {
        let second = TimestampRound::new().smallest(Unit::Second).mode(mode);
        time.round(second).unwrap_or(time)
    };
    let start = to_second(window.start(), RoundMode::Floor);
    let end = to_second(window.end(), RoundMode::Ceil);
    let mut parts = Vec::new();
    let mut from = start;
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

    /// Parses the response. An incomplete response is an error.
    pub(super) fn parse_response(
        &self,
        body: &[u8],
    ) -> Result<Vec<Interval<Timestamp>>, CalendarError> {
        // The parser's message may quote the response.
        let response: FreeBusyResponse = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            CalendarError::unreadable(format!(
                "not a freeBusy response, at line {line} column {column}"
            ))
        })?;
        self.check_window(&response)?;
        let mut busy = Vec::new();
        for (number, &id) in (self.first_number..).zip(self.calendars) {
            let periods = parse_periods(response.calendars.get(id)).map_err(|what| {
                CalendarError::unreadable(format!("calendar {number} of the request: {what}"))
            })?;
            busy.extend(periods);
        }
        Ok(busy)
    }

    /// Rejects a response that covers less than the window.
    fn check_window(&self, response: &FreeBusyResponse) -> Result<(), CalendarError> {
        let parse = |text: &Option<String>| text.as_deref().map(parse_instant).transpose();
        let is_shorter = match (parse(&response.time_min), parse(&response.time_max)) {
            (Ok(from), Ok(to)) => {
                from.is_some_and(|from| from > self.window.start())
                    || to.is_some_and(|to| to < self.window.end())
            }
            _ => return Err(CalendarError::unreadable("its window is invalid")),
        };
        if is_shorter {
            return Err(CalendarError::unreadable("it covers less than the window"));
        }
        Ok(())
    }
}

/// Parses a calendar's busy periods, or returns what is wrong with it.
fn parse_periods(calendar: Option<&CalendarPeriods>) -> Result<Vec<Interval<Timestamp>>, String> {
    let calendar = calendar.ok_or("it is missing from the response")?;
    if let Some(error) = calendar.errors.first() {
        let reason = error.reason.as_deref().and_then(error_code);
        return Err(reason.map_or_else(|| "an error".to_owned(), String::from));
    }
    let periods = calendar.busy.as_ref().ok_or("it has no list of busy periods")?;
    let parse = |period: &Period| {
        let start = parse_instant(&period.start).ok()?;
        let end = parse_instant(&period.end).ok()?;
        // An event without duration is an empty period, which is no interval.
        (start <= end).then(|| Interval::new(start, end))
    };
    periods
        .iter()
        .map(|period| parse(period).ok_or_else(|| "a busy period is invalid".to_owned()))
        .filter_map(Result::transpose)
        .collect()
}

/// Text that is not an RFC 3339 instant.
struct InvalidInstant;

/// Parses an RFC 3339 instant. Other ISO 8601 formats are rejected: Google does
/// not document them.
fn parse_instant(text: &str) -> Result<Timestamp, InvalidInstant> {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let shape: Vec<u8> = text.bytes().map(shape).collect();
    let rest = shape.strip_prefix(b"0000-00-00T00:00:00").ok_or(InvalidInstant)?;
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|&&byte| byte == b'0').count();
            if digits == 0 {
                return Err(InvalidInstant);
            }
            &fraction[digits..]
        }
        None => rest,
    };
    if !matches!(rest, b"Z" | b"+00:00" | b"-00:00") {
        return Err(InvalidInstant);
    }
    text.parse().map_err(|_| InvalidInstant)
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
        FreeBusyQuery { window, calendars, first_number: 1 }
    }

    #[test]
    fn only_rfc_3339_instants_are_accepted() {
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
            assert_eq!(parse_instant(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_window_is_split_into_adjacent_parts_of_whole_seconds() {
        let long = split_window(window("2026-11-24T00:00:00.25Z", "2027-11-24T00:00:00.25Z"));
        assert_eq!(long.len(), 7, "365 days in parts of 60");
        assert_eq!(long[0].start(), at("2026-11-24T00:00:00Z"));
        assert_eq!(long[6].end(), at("2027-11-24T00:00:01Z"));
        assert!(long.windows(2).all(|pair| pair[0].end() == pair[1].start()));
        assert_eq!(split_window(window("2026-11-24T00:00:00Z", "2027-01-05T00:00:00Z")).len(), 1);
    }

    #[test]
    fn an_empty_period_is_not_busy() {
        let body = r#"{"calendars": {"a": {"busy": [
            {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T09:00:00Z"},
            {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"},
            {"start": "2026-11-24T12:00:00Z", "end": "2026-11-24T04:00:00-08:00"}
        ]}}}"#;
        let busy = query(&["a"]).parse_response(body.as_bytes()).unwrap();
        assert_eq!(busy, [window("2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")]);
    }

    #[test]
    fn an_incomplete_response_is_an_error_that_names_the_calendar_by_its_number() {
        let cases = [
            (r#"{"calendars": {"a": {"busy": []}, "b": {"busy": []}}}"#, None),
            (
                r#"{"calendars": {"a": {"busy": []}}}"#,
                Some("calendar 2 of the request: it is missing from the response"),
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
                Some("calendar 1 of the request: it has no list of busy periods"),
            ),
            (
                r#"{"calendars": {"a": {"busy": []}, "b": {"busy": [{"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T09:00:00Z"}]}}}"#,
                Some("calendar 2 of the request: a busy period is invalid"),
            ),
            (
                r#"{"calendars": {"a": {"busy": []}, "b": {"busy": [{"start": "2026-11-24", "end": "2026-11-25"}]}}}"#,
                Some("calendar 2 of the request: a busy period is invalid"),
            ),
            (
                r#"{"timeMax": "2026-12-01T00:00:00Z", "calendars": {"a": {"busy": []}, "b": {"busy": []}}}"#,
                Some("it covers less than the window"),
            ),
            (
                r#"{"calendars": {"a": {"busy": "#,
                Some("not a freeBusy response, at line 1 column 29"),
            ),
            (
                r#"{"kind": "calendar#events"}"#,
                Some("not a freeBusy response, at line 1 column 27"),
            ),
        ];
        for (body, expected) in cases {
            let message =
                query(&["a", "b"]).parse_response(body.as_bytes()).err().map(|it| it.to_string());
            let expected =
                expected.map(|what| format!("the calendar's response cannot be read: {what}"));
            assert_eq!(message, expected, "{body}");
        }
    }
}
