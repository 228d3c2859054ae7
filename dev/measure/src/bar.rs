//! Limits that a run is judged by.

use crate::results::{Results, number, row};

/// A limit of a figure. The worst of the subjects is judged.
#[derive(Debug)]
struct Bar<'a> {
    scenario: &'a str,
    subjects: &'a str,
    figure: &'a str,
    /// `at most 1.10 ×` or `at least 95`; with `×`, of the ratio to the empty function's.
    limit: &'a str,
    /// Who needs the limit, and for what.
    reason: &'a str,
}

/// Reads bars: a line each, with `scenario | subjects | figure | limit | reason`.
fn parse(bars: &str) -> impl Iterator<Item = Bar<'_>> {
    bars.lines().filter(|line| !line.is_empty()).map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [scenario, subjects, figure, limit, reason] = cells[..] else {
            panic!("a bar has five parts: {line}");
        };
        Bar { scenario, subjects, figure, limit, reason }
    })
}

impl Bar<'_> {
    /// Returns the worst value and whether it is within the limit, or `None` where no
    /// subject was measured. A subject that was measured without this figure misses the bar.
    fn judge(&self, results: &Results) -> Option<(f64, bool)> {
        let bare = self.limit.trim_end_matches(" ×");
        let is_ratio = bare != self.limit;
        let most = bare.strip_prefix("at most ").map(str::parse);
        let least = bare.strip_prefix("at least ").map(str::parse);
        let (is_most, limit) = (most.is_some(), most.or(least));
        let limit: f64 = limit.and_then(Result::ok).unwrap_or_else(|| panic!("{self:?}"));
        let of_subject = |subject: &str| -> Option<f64> {
            let mut row = results.row(self.scenario, subject).peekable();
            row.peek()?;
            let found = row.find(|measurement| measurement.name == self.figure);
            let value = found.and_then(|it| if is_ratio { it.ratio } else { Some(it.value) });
            Some(value.unwrap_or(f64::NAN))
        };
        let values = self.subjects.split(", ").filter_map(of_subject);
        let worst = values.reduce(|one, other| match is_most {
            _ if one.is_nan() || other.is_nan() => f64::NAN,
            true => one.max(other),
            false => one.min(other),
        })?;
        Some((worst, if is_most { worst <= limit } else { worst >= limit }))
    }

    fn name(&self) -> String {
        format!("{}: {}, {}", self.scenario, self.subjects, self.figure)
    }
}

/// Writes the bars of what was measured as a table.
pub(crate) fn table(bars: &str, results: &Results) -> String {
    let mut lines =
        row(["bar", "limit", "measured", "", "who needs it"]) + "|---|---|---|---|---|\n";
    for bar in parse(bars) {
        let Some((worst, is_met)) = bar.judge(results) else { continue };
        let unit = if bar.limit.ends_with('×') { " ×" } else { "" };
        let measured = if worst.is_nan() { "–".to_owned() } else { number(worst) + unit };
        let verdict = if is_met { "met" } else { "**not met**" };
        lines += &row([&bar.name(), bar.limit, &measured, verdict, bar.reason]);
    }
    lines
}

/// Returns the names of the bars that were missed.
pub(crate) fn missed(bars: &str, results: &Results) -> Vec<String> {
    let is_missed = |bar: &Bar<'_>| matches!(bar.judge(results), Some((_, false)));
    parse(bars).filter(is_missed).map(|bar| bar.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_subject_is_judged() {
        let mut results = Results::default();
        results.add("s", "a", [("f", 1.0)]);
        results.add_ratio("s", "b", "f", 2.0, 0.5);
        for (text, expected) in [
            ("s | a, b, c | f | at most 2 | ", Some((2.0, true))),
            ("s | a, b, c | f | at most 1.9 | ", Some((2.0, false))),
            ("s | a, b, c | f | at least 1 | ", Some((1.0, true))),
            ("s | a, b, c | f | at least 1.1 | ", Some((1.0, false))),
            ("s | b | f | at most 0.5 × | ", Some((0.5, true))),
            ("s | b | f | at least 0.51 × | ", Some((0.5, false))),
            ("not run | a | f | at most 2 | ", None),
        ] {
            assert_eq!(parse(text).next().unwrap().judge(&results), expected, "{text}");
        }
    }

    #[test]
    fn a_subject_without_the_figure_misses_the_bar() {
        let mut results = Results::default();
        results.add("s", "a", [("f", 1.0)]);
        results.add("s", "b", [("f", f64::NAN), ("other", 1.0)]);
        let bars = "s | a, b | f | at most 2 | \ns | a, b | f | at least 0 | \n";
        assert_eq!(missed(bars, &results), ["s: a, b, f", "s: a, b, f"]);
        assert!(table(bars, &results).contains("| – | **not met** |"));
    }
}
