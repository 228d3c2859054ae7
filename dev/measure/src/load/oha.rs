//! The load generator for plain requests: oha, found or installed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use dev::serve;
use serde_json::{Map, Value};
use tokio::process::Command;

use super::reply_counts::ReplyCounts;
use crate::measure_error::{Context as _, Error};

/// The version that is installed where none is found.
const PINNED_VERSION: &str = "1.16.0";
/// How oha reports requests that were in flight at the end. They did not fail.
const CUT_OFF: &str = "aborted due to deadline";

#[derive(Clone, Debug)]
pub(super) struct Oha {
    program: PathBuf,
    /// The output of `oha --version`.
    pub(super) version: String,
}

impl Oha {
    /// Finds oha on PATH or in `tools`, or installs it into `tools`.
    pub(super) async fn find_or_install(tools: &Path) -> Result<Self, Error> {
        let installed = tools.join("bin/oha");
        for program in [PathBuf::from("oha"), installed.clone()] {
            if let Some(version) = version_of(&program).await {
                return Ok(Self { program, version });
            }
        }
        eprintln!("installing oha {PINNED_VERSION} into {}: once, some minutes", tools.display());
        let mut command = serve::cargo_command();
        command.args(["install", "--locked", "--root"]).arg(tools);
        command.arg(format!("oha@{PINNED_VERSION}")).stdin(Stdio::null()).stdout(Stdio::null());
        // cargo says why it failed, and then no version is found.
        let _ = command.status().await;
        let version = version_of(&installed).await.ok_or_else(|| {
            Error::new(format!(
                "cargo could not install oha (its message is above): try again, or install \
                 oha {PINNED_VERSION} as https://github.com/hatoo/oha says"
            ))
        })?;
        Ok(Self { program: installed, version })
    }

    /// Sends requests over some connections, one at a time on each, at most at this rate.
    pub(super) async fn run(
        &self,
        url: &str,
        clients: u32,
        duration: Duration,
        rate: Option<u32>,
    ) -> Result<ReplyCounts, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(["--no-tui", "--output-format", "json", "-t", "30s", "-w"])
            .args(["-c", &clients.to_string()])
            .args(["-z", &format!("{}ms", duration.as_millis())]);
        if let Some(rate) = rate {
            command.args(["-q", &rate.to_string()]);
        }
        command.arg(url).stdin(Stdio::null()).kill_on_drop(true);
        // A group of its own: this process handles Ctrl-C.
        command.process_group(0);
        serve::die_with_parent(&mut command);
        let output = command.output().await.context("oha could not be run")?;
        read_report(&output.stdout).with_context(|| {
            format!("oha measured nothing: {}", String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// Reads a report, whose times are in seconds. Without an answer it is an error.
fn read_report(json: &[u8]) -> Result<ReplyCounts, Error> {
    let report: Value = serde_json::from_slice(json).context("it wrote no JSON")?;
    let map = |name: &str| report[name].as_object().into_iter().flat_map(Map::iter);
    let count = |count: &Value| count.as_u64().and_then(|count| count.try_into().ok()).unwrap_or(0);
    let statuses = map("statusCodeDistribution")
        .map(|(status, number)| ((status.parse().ok(), String::new()), count(number)));
    let errors = map("errorDistribution")
        .filter(|(why, _)| *why != CUT_OFF)
        .map(|(why, number)| ((None, why.clone()), count(number)));
    let ms = |seconds: &Value| seconds.as_f64().map_or(f64::NAN, |seconds| seconds * 1_000.0);
    let percentiles = &report["latencyPercentiles"];
    let counts = ReplyCounts {
        seconds: report["summary"]["total"].as_f64().unwrap_or(f64::NAN),
        p50_ms: ms(&percentiles["p50"]),
        p90_ms: ms(&percentiles["p90"]),
        p99_ms: ms(&percentiles["p99"]),
        slowest_ms: ms(&report["summary"]["slowest"]),
        counts: statuses.chain(errors).collect(),
    };
    if counts.answered() == 0 {
        return Err(Error::new(format!("no request was answered: {:?}", counts.counts)));
    }
    Ok(counts)
}

/// Returns the version of a program, if it is a usable oha.
async fn version_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
    usable(&String::from_utf8_lossy(&command.output().await.ok()?.stdout))
}

/// Accepts `oha 1.16.0` and later versions that write the same reports.
fn usable(text: &str) -> Option<String> {
    let text = text.trim();
    let (major, rest) = text.strip_prefix("oha ")?.split_once('.')?;
    let minor: u32 = rest.split('.').next()?.parse().ok()?;
    (major == "1" && minor >= 16).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_that_were_in_flight_at_the_end_are_not_counted() {
        let report = json!({
            "summary": {"successRate": 1.0, "total": 2.0, "slowest": 0.02, "fastest": 0.001},
            "latencyPercentiles":
                {"p10": 0.001, "p50": 0.0015, "p90": 0.003, "p99": 0.01, "p99.9": 0.015},
            "statusCodeDistribution": {"200": 990, "503": 10},
            "errorDistribution": {"aborted due to deadline": 8, "connection refused": 2},
        });
        let counts = read_report(report.to_string().as_bytes()).unwrap();
        assert_eq!((counts.answered(), counts.other_than(200)), (1_000, 12));
        for (found, expected) in [
            (counts.per_second(), 500.0),
            (counts.p50_ms, 1.5),
            (counts.p90_ms, 3.0),
            (counts.p99_ms, 10.0),
            (counts.slowest_ms, 20.0),
        ] {
            assert!((found - expected).abs() < 1e-9, "{counts:?}");
        }
    }

    #[test]
    fn a_report_without_an_answer_is_an_error() {
        let report = json!({
            "summary": {"total": 2.0, "slowest": null},
            "latencyPercentiles": {"p50": null, "p90": null, "p99": null, "p99.9": null},
            "statusCodeDistribution": {},
            "errorDistribution": {"connection refused": 2},
        });
        let error = read_report(report.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
    }

    #[test]
    fn versions_that_write_these_reports_are_accepted() {
        for (text, expected) in [
            ("oha 1.16.0\n", true),
            ("oha 1.20.3", true),
            ("oha 1.4.0", false),
            ("oha 2.0.0", false),
            ("hey 1.16.0", false),
            ("", false),
        ] {
            assert_eq!(usable(text).is_some(), expected, "{text:?}");
        }
    }
}
