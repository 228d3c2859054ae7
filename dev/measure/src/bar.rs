//! Limits that a run is judged by.

use crate::results::{Measurement, Results, number, row};

/// A limit of a figure. The worst of the subjects is judged.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) scenario: &'static str,
    pub(crate) subjects: &'static [&'static str],
    pub(crate) figure: &'static str,
    pub(crate) limit: Limit,
    /// Who needs the limit, and for what.
    pub(crate) reason: &'static str,
}

/// A limit of the value, or of its ratio to the empty function's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

impl Bar {
    /// Returns the worst value and whether it is within the limit, or `None` where no
    /// subject was measured. A subject that was measured without this figure misses the bar.
    fn judge(&self, results: &Results) -> Option<(f64, bool)> {
        let of_subject = |subject: &str| -> Option<f64> {
            let mut rows = results.rows(self.scenario, subject).peekable();
            rows.peek()?;
            let found = rows.find(|measurement| measurement.name == self.figure);
            Some(found.and_then(|measurement| self.limit.judged(measurement)).unwrap_or(f64::NAN))
        };
        let values = self.subjects.iter().filter_map(|subject| of_subject(subject));
        let is_met = |value: f64| match self.limit {
            Limit::AtMost(limit) | Limit::RatioAtMost(limit) => value <= limit,
            Limit::AtLeast(limit) | Limit::RatioAtLeast(limit) => value >= limit,
        };
        let worst = values.reduce(|one, other| match self.limit {
            _ if one.is_nan() || other.is_nan() => f64::NAN,
            Limit::AtMost(_) | Limit::RatioAtMost(_) => one.max(other),
            Limit::AtLeast(_) | Limit::RatioAtLeast(_) => one.min(other),
        });
        worst.map(|worst| (worst, is_met(worst)))
    }

    fn name(&self) -> String {
        format!("{}: {}, {}", self.scenario, self.subjects.join(", "), self.figure)
    }
}

impl Limit {
    const fn judged(self, measurement: &Measurement) -> Option<f64> {
        match self {
            Self::AtMost(_) | Self::AtLeast(_) => Some(measurement.value),
            Self::RatioAtMost(_) | Self::RatioAtLeast(_) => measurement.ratio,
        }
    }

    fn words(self, measured: f64) -> [String; 2] {
        let (word, limit, unit) = match self {
            Self::AtMost(limit) => ("most", limit, ""),
            Self::AtLeast(limit) => ("least", limit, ""),
            Self::RatioAtMost(limit) => ("most", limit, " ×"),
            Self::RatioAtLeast(limit) => ("least", limit, " ×"),
        };
        let measured = if measured.is_nan() { "–".to_owned() } else { number(measured) + unit };
        [format!("at {word} {}{unit}", number(limit)), measured]
    }
}

/// Writes the bars of what was measured as a table.
pub(crate) fn table(bars: &[Bar], results: &Results) -> String {
    let mut lines =
        row(["bar", "limit", "measured", "", "who needs it"]) + "|---|---|---|---|---|\n";
    for bar in bars {
        let Some((worst, is_met)) = bar.judge(results) else { continue };
        let [limit, measured] = bar.limit.words(worst);
        let verdict = if is_met { "met" } else { "**not met**" };
        lines += &row([&bar.name(), &limit, &measured, verdict, bar.reason]);
    }
    lines
}

/// Returns the names of the bars that were missed.
pub(crate) fn missed(bars: &[Bar], results: &Results) -> Vec<String> {
    let is_missed = |bar: &&Bar| matches!(bar.judge(results), Some((_, false)));
    bars.iter().filter(is_missed).map(Bar::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(limit: Limit) -> Bar {
        Bar { scenario: "s", subjects: &["a", "b", "c"], figure: "f", limit, reason: "" }
    }

    #[test]
    fn the_worst_subject_is_judged() {
        let mut results = Results::default();
        results.add("s", "a", [("f", 1.0)]);
        results.add_ratio("s", "b", "f", 2.0, 0.5);
        for (limit, expected) in [
            (Limit::AtMost(2.0), Some((2.0, true))),
            (Limit::AtMost(1.9), Some((2.0, false))),
            (Limit::AtLeast(1.0), Some((1.0, true))),
            (Limit::AtLeast(1.1), Some((1.0, false))),
        ] {
            assert_eq!(bar(limit).judge(&results), expected, "{limit:?}");
        }
        let of_b = Bar { subjects: &["b"], ..bar(Limit::RatioAtMost(0.5)) };
        assert_eq!(of_b.judge(&results), Some((0.5, true)));
        let other = Bar { scenario: "not run", ..bar(Limit::AtMost(2.0)) };
        assert_eq!(other.judge(&results), None);
    }

    #[test]
    fn a_subject_without_the_figure_misses_the_bar() {
        let mut results = Results::default();
        results.add("s", "a", [("f", 1.0)]);
        results.add("s", "b", [("f", f64::NAN), ("other", 1.0)]);
        let bars = [bar(Limit::AtMost(2.0)), bar(Limit::AtLeast(0.0))];
        assert_eq!(missed(&bars, &results).len(), 2);
        assert!(table(&bars, &results).contains("| – | **not met** |"));
    }
}
