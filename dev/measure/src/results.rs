//! The results of a run: tables of figures. Those of full runs are in `docs/load-testing`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use openchair::clock::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::bar;
use crate::measure_error::{Context as _, Error};
use crate::process_status::read_field;

const FOLDER: &str = "docs/load-testing";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The machine, the compiler, the commit, the time and the extent of the run.
    pub(crate) conditions: String,
    measurements: Vec<Measurement>,
}

/// A figure: a cell in the table of its scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    scenario: String,
    /// The row: a function, or a number of clients.
    subject: String,
    /// The column, with the unit.
    pub(crate) name: String,
    pub(crate) value: f64,
    /// The ratio to the empty function's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
}

impl Results {
    /// Creates results without figures, made on this machine from the working tree at `root`.
    pub(crate) async fn new(root: &Path, clock: &Clock, extent: &str) -> Self {
        let cpu = read_field("/proc/cpuinfo", "model name");
        let threads = std::thread::available_parallelism().map_or(0, Into::into);
        let rustc = first_line(root, "rustc", &["--version"]).await;
        let commit = first_line(root, "git", &["describe", "--always", "--dirty"]).await;
        let conditions = format!(
            "{}, {threads} threads; {rustc}; commit {commit}; {:.0}; {extent}",
            cpu.as_deref().unwrap_or("unknown CPU"),
            clock.now(),
        );
        Self { conditions, measurements: Vec::new() }
    }

    /// Adds figures to a row. What is not a number was not measured.
    pub(crate) fn add<N: Into<String>>(
        &mut self,
        scenario: &str,
        subject: &str,
        figures: impl IntoIterator<Item = (N, f64)>,
    ) {
        for (name, value) in figures {
            self.add_ratio(scenario, subject, name, value, f64::NAN);
        }
    }

    /// Adds a figure with its ratio to the empty function's.
    pub(crate) fn add_ratio(
        &mut self,
        scenario: &str,
        subject: &str,
        name: impl Into<String>,
        value: f64,
        ratio: f64,
    ) {
        if value.is_finite() {
            self.measurements.push(Measurement {
                scenario: scenario.to_owned(),
                subject: subject.to_owned(),
                name: name.into(),
                value,
                ratio: Some(ratio).filter(|ratio| ratio.is_finite()),
            });
        }
    }

    /// Returns the figures of a row.
    pub(crate) fn row(&self, scenario: &str, subject: &str) -> impl Iterator<Item = &Measurement> {
        let of_scenario = self.measurements.iter().filter(move |it| it.scenario == scenario);
        of_scenario.filter(move |it| it.subject == subject)
    }

    /// Writes the tables and the bars as Markdown.
    pub(crate) fn report(&self, bars: &str) -> String {
        let scenarios = distinct(self.measurements.iter().map(|it| it.scenario.as_str()));
        let tables = scenarios.into_iter().map(|scenario| self.table(scenario));
        let parts = [self.conditions.clone() + "\n"].into_iter().chain(tables);
        parts.chain([bar::table(bars, self)]).collect::<Vec<_>>().join("\n")
    }

    fn table(&self, scenario: &str) -> String {
        let of_scenario = || self.measurements.iter().filter(|it| it.scenario == scenario);
        let names = distinct(of_scenario().map(|it| it.name.as_str()));
        let mut lines = row([scenario].into_iter().chain(names.iter().copied()));
        lines += &("|---|".to_owned() + &"---:|".repeat(names.len()) + "\n");
        for subject in distinct(of_scenario().map(|it| it.subject.as_str())) {
            let cells = names.iter().map(|name| {
                let cell = self.row(scenario, subject).find(|it| it.name == *name);
                cell.map_or("–".to_owned(), |it| match it.ratio {
                    Some(ratio) => format!("{} ({ratio:.2} ×)", number(it.value)),
                    None => number(it.value),
                })
            });
            lines += &row([subject.to_owned()].into_iter().chain(cells));
        }
        lines
    }

    /// Saves the results of a full run.
    pub(crate) fn save(&self, root: &Path, name: &str) -> Result<(), Error> {
        let path = root.join(FOLDER).join(name);
        let saved = std::fs::write(&path, self.to_json());
        saved.with_context(|| format!("could not write {}", path.display()))?;
        eprintln!("saved in {}", path.display());
        Ok(())
    }

    /// Writes each figure on a line of its own, so that a diff shows which have changed.
    fn to_json(&self) -> String {
        let conditions = Value::from(self.conditions.as_str());
        let figures = self.measurements.iter().map(|it| json!(it).to_string());
        let figures = figures.collect::<Vec<_>>().join(",\n");
        format!("{{\"conditions\":{conditions},\"measurements\":[\n{figures}\n]}}\n")
    }

    /// Reads the results of the last full run.
    pub(crate) fn load(root: &Path, name: &str) -> Result<Self, Error> {
        let path: PathBuf = root.join(FOLDER).join(name);
        let text =
            std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let results = serde_json::from_slice(&text);
        results.with_context(|| format!("{} does not contain results", path.display()))
    }
}

/// Writes a row of a Markdown table.
pub(crate) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells = cells.into_iter().map(|cell| format!(" {} |", cell.as_ref()));
    format!("|{}\n", cells.collect::<String>())
}

/// Writes a whole number with separated thousands, and others with about three digits.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let digits = whole.trim_start_matches('-');
    let mut separated = whole[..whole.len() - digits.len()].to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            separated.push(',');
        }
        separated.push(digit);
    }
    separated + rest
}

/// Lists the values in the order in which they first occur.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// Returns the first line that a program prints, or that it is unknown.
async fn first_line(root: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).stdin(Stdio::null()).stderr(Stdio::null());
    let text = command.output().await.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        for (value, expected) in [
            (0.0, "0"),
            (0.625, "0.62"),
            (12.34, "12.3"),
            (100.4, "100"),
            (1_234_567.8, "1,234,568"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_scenario_is_a_table_with_a_dash_where_nothing_was_measured() {
        let mut results = Results::default();
        results.add("crowd", "page", [("200", 500.0), ("p99, ms", f64::NAN)]);
        results.add_ratio("crowd", "checkout", "p50, ms", 12.34, 1.1);
        assert_eq!(
            results.table("crowd"),
            "| crowd | 200 | p50, ms |\n|---|---:|---:|\n\
             | page | 500 | – |\n| checkout | – | 12.3 (1.10 ×) |\n"
        );
    }

    #[test]
    fn saved_results_have_every_bar() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (name, bars) in [("bench.json", crate::bench::BARS), ("load.json", crate::load::BARS)] {
            let results = Results::load(&root, name).unwrap();
            let report = results.report(bars);
            let judged = report
                .lines()
                .filter(|line| line.contains("| at most") || line.contains("| at least"))
                .count();
            assert_eq!(judged, bars.trim().lines().count(), "{name}:\n{report}");
            assert!(!report.contains("| – | **not met**"), "{report}");
            let again: Results = serde_json::from_str(&results.to_json()).unwrap();
            assert_eq!(again.report(bars), report);
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_prints_nothing_is_unknown() {
        let here = Path::new(".");
        assert_eq!(first_line(here, "openchair-no-such-program", &[]).await, "unknown");
        assert_eq!(first_line(here, "true", &[]).await, "unknown");
    }
}
