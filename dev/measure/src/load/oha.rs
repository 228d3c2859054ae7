//! The load generator for plain requests: oha, found or installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::Error;
use super::load_results::{AnswerCount, Latency, Step};
use dev::serve;

/// The version that is installed where none is found.
pub(super) const PINNED_VERSION: &str = "1.16.0";
/// How oha reports requests that were in flight at the end. They did not fail.
const CUT_OFF: &str = "aborted due to deadline";

#[derive(Clone, Debug)]
pub(super) struct Oha {
    program: PathBuf,
    /// The output of `oha --version`.
    pub(super) version: String,
}

#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) url: String,
    /// Connections, each with one request at a time.
    pub(super) clients: u32,
    pub(super) duration: Duration,
    /// The limit of requests per second, if there is one.
    pub(super) rate: Option<u32>,
}

/// The fields of oha's report that are used. Times are in seconds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    summary: Summary,
    latency_percentiles: Percentiles,
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
struct Summary {
    total: f64,
    slowest: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Percentiles {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    #[serde(rename = "p99.9")]
    p999: Option<f64>,
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
        let status = serve::cargo_command()
            .args(["install", "--locked", "--root"])
            .arg(tools)
            .arg(format!("oha@{PINNED_VERSION}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .await;
        if !status.is_ok_and(|status| status.success()) {
            return Err(Error::NoGenerator);
        }
        let version = version_of(&installed).await.ok_or(Error::NoGenerator)?;
        Ok(Self { program: installed, version })
    }

    /// Runs oha. The number of containers in the result is 0, as oha does not know it.
    pub(super) async fn run(&self, load: &Load) -> Result<Step, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(["--no-tui", "--output-format", "json", "-t", "30s", "-w"])
            .args(["-c", &load.clients.to_string()])
            .args(["-z", &format!("{}ms", load.duration.as_millis())]);
        if let Some(rate) = load.rate {
            command.args(["-q", &rate.to_string()]);
        }
        command.arg(&load.url).stdin(Stdio::null()).kill_on_drop(true);
        // A group of its own: this process handles Ctrl-C.
        command.process_group(0);
        serve::die_with_parent(&mut command);
        let output = command.output().await.map_err(|error| Error::Generator(error.to_string()))?;
        if !output.status.success() {
            return Err(Error::Generator(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        read_report(&output.stdout, load.clients)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a step has far fewer than 2^52 requests")]
fn read_report(json: &[u8], clients: u32) -> Result<Step, Error> {
    let report: Report =
        serde_json::from_slice(json).map_err(|error| Error::Generator(error.to_string()))?;
    let statuses = report.status_code_distribution.into_iter().map(|(status, count)| AnswerCount {
        status: Some(status),
        code: None,
        count,
    });
    let errors = report
        .error_distribution
        .into_iter()
        .filter(|(why, _)| why != CUT_OFF)
        .map(|(why, count)| AnswerCount { status: None, code: Some(why), count });
    let answers: Vec<AnswerCount> = errors.chain(statuses).collect();
    let answered = answers.iter().filter(|answer| answer.status.is_some());
    let requests: u64 = answered.map(|answer| answer.count).sum();
    if requests == 0 {
        return Err(Error::Generator(format!("no request was answered: {answers:?}")));
    }
    let ms = |seconds: Option<f64>| seconds.unwrap_or_default() * 1_000.0;
    let percentiles = report.latency_percentiles;
    Ok(Step {
        clients,
        containers: 0,
        duration_seconds: report.summary.total,
        requests,
        requests_per_second: requests as f64 / report.summary.total,
        latency: Latency {
            p50_ms: ms(percentiles.p50),
            p90_ms: ms(percentiles.p90),
            p99_ms: ms(percentiles.p99),
            p999_ms: ms(percentiles.p999),
            max_ms: ms(report.summary.slowest),
        },
        answers,
    })
}

/// Returns the version of a program, if it is a usable oha.
async fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    usable(&String::from_utf8_lossy(&output.stdout))
}

/// Accepts `oha 1.16.0` and later versions that write the same reports.
fn usable(text: &str) -> Option<String> {
    let text = text.trim();
    let mut numbers = text.strip_prefix("oha ")?.split('.');
    let version: (u32, u32) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (version.0 == 1 && version.1 >= 16).then(|| text.to_owned())
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
        let step = read_report(report.to_string().as_bytes(), 8).unwrap();
        assert_eq!((step.clients, step.requests), (8, 1_000));
        assert!((step.requests_per_second - 500.0).abs() < 1e-9);
        let latency = step.latency;
        for (found, expected) in [
            (latency.p50_ms, 1.5),
            (latency.p90_ms, 3.0),
            (latency.p99_ms, 10.0),
            (latency.p999_ms, 15.0),
            (latency.max_ms, 20.0),
        ] {
            assert!((found - expected).abs() < 1e-9, "{latency:?}");
        }
        let answers: Vec<_> = step.answers.iter().map(|a| (a.status, a.count)).collect();
        assert_eq!(answers, [(None, 2), (Some(200), 990), (Some(503), 10)]);
    }

    #[test]
    fn a_report_without_an_answer_is_an_error() {
        let report = json!({
            "summary": {"total": 2.0, "slowest": null},
            "latencyPercentiles": {"p50": null, "p90": null, "p99": null, "p99.9": null},
            "statusCodeDistribution": {},
            "errorDistribution": {"connection refused": 2},
        });
        let error = read_report(report.to_string().as_bytes(), 8).unwrap_err();
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
