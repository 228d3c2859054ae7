//! Dates in the one form that requests and the salon file use.

use jiff::civil::Date;

/// Parses `YYYY-MM-DD`, and no other form of a date.
///
/// jiff alone would also accept `20261124`, `+002026-11-24` or a date with a
/// time after it.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|date: &Date| date.to_string() == text)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn only_year_month_day_with_hyphens_is_a_date() {
        assert_eq!(parse_date("2026-11-24"), Some(date(2026, 11, 24)));
        assert_eq!(parse_date("2028-02-29"), Some(date(2028, 2, 29)));
        for text in [
            "",
            "20261124",
            "2026-1-4",
            "26-11-24",
            "+002026-11-24",
            "2026-11-24T10:00",
            "2026-11-24 ",
            "2026-02-29",
            "2026-W48-2",
            "２０２６-11-24",
        ] {
            assert_eq!(parse_date(text), None, "{text:?}");
        }
    }
}
