//! The results of `cargo dev bench`, as they are saved in `docs/load-testing/bench.json`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::statistics::Spread;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BenchResults {
    pub(crate) machine: Machine,
    pub(crate) plan: Plan,
    /// The cost of the Runtime API server alone, once per run: a client that polls and
    /// answers from memory.
    pub(crate) server: Vec<Warm>,
    /// The empty function is the first.
    pub(crate) targets: Vec<TargetResults>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    pub(crate) runs: usize,
    /// Timed warm requests per run, one after the other.
    pub(crate) requests: usize,
    /// Whether there are too few requests for the rare slow ones.
    pub(crate) quick: bool,
}

/// A function and the state that it starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The function that does nothing
    Empty,
    /// GET /availability, answered from the container
    AvailabilityL1,
    /// GET /availability, answered from the table each time
    AvailabilityL2,
    /// GET /availability, with no calendar in the table
    AvailabilityCold,
    /// POST /checkout without a body: a deposit without a booking
    CheckoutBare,
    /// POST /checkout with a body: a hold, and a session to pay it
    CheckoutBody,
    /// POST /stripe/webhook with the payment of a held booking
    Webhook,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetResults {
    pub(crate) target: Target,
    pub(crate) binary_bytes: u64,
    /// The deflated program, as `cargo lambda build --output-format zip` packs it.
    pub(crate) zip_bytes: u64,
    /// Allocations inside `handle` during each counted warm request.
    pub(crate) allocations: Vec<u64>,
    /// The same index is the same run in every target.
    pub(crate) runs: Vec<Run>,
}

/// One run of a target: one process, and for the start the median of several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// From the start of the process to its request for the first event.
    pub start_to_first_poll_ms: f64,
    /// From the start of the process to the end of its first response.
    pub start_to_first_response_ms: f64,
    pub peak_memory_kib: u64,
    /// `None` where only a start is measured.
    pub warm: Option<Warm>,
}

/// Requests to a process that has answered before, one after the other.
///
/// A latency is the time from the delivery of an event to the end of the response.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warm {
    pub requests: usize,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// The polls between the requests count as time, too.
    pub requests_per_second: f64,
}

/// A figure of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    StartToFirstPollMs,
    StartToFirstResponseMs,
    WarmP50Us,
    WarmP99Us,
    WarmP999Us,
    WarmRequestsPerSecond,
    PeakMemoryMb,
    ProgramMb,
    ZipMb,
    Allocations,
}

impl Target {
    /// All targets, in the order in which they take turns.
    pub(crate) const ALL: [Self; 7] = [
        Self::Empty,
        Self::AvailabilityL1,
        Self::AvailabilityL2,
        Self::AvailabilityCold,
        Self::CheckoutBare,
        Self::CheckoutBody,
        Self::Webhook,
    ];

    /// Returns the name on the command line and in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::AvailabilityL1 => "availability-l1",
            Self::AvailabilityL2 => "availability-l2",
            Self::AvailabilityCold => "availability-cold",
            Self::CheckoutBare => "checkout-bare",
            Self::CheckoutBody => "checkout-body",
            Self::Webhook => "webhook",
        }
    }

    /// Returns the name of the program.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::AvailabilityL1 | Self::AvailabilityL2 | Self::AvailabilityCold => "availability",
            Self::CheckoutBare | Self::CheckoutBody => "checkout",
            Self::Webhook => "webhook",
        }
    }
}

impl TargetResults {
    /// Returns the values of a figure: one per run, or one where runs do not differ.
    #[expect(clippy::cast_precision_loss, reason = "sizes and counts are far below 2^52")]
    fn values(&self, figure: Figure) -> Vec<f64> {
        let of_warm = |value: fn(&Warm) -> f64| {
            self.runs.iter().filter_map(|run| run.warm.as_ref().map(value)).collect()
        };
        let of_runs = |value: fn(&Run) -> f64| self.runs.iter().map(value).collect();
        match figure {
            Figure::StartToFirstPollMs => of_runs(|run| run.start_to_first_poll_ms),
            Figure::StartToFirstResponseMs => of_runs(|run| run.start_to_first_response_ms),
            Figure::WarmP50Us => of_warm(|warm| warm.p50_us),
            Figure::WarmP99Us => of_warm(|warm| warm.p99_us),
            Figure::WarmP999Us => of_warm(|warm| warm.p999_us),
            Figure::WarmRequestsPerSecond => of_warm(|warm| warm.requests_per_second),
            Figure::PeakMemoryMb => of_runs(|run| run.peak_memory_kib as f64 * 1024.0 / 1e6),
            Figure::ProgramMb => vec![self.binary_bytes as f64 / 1e6],
            Figure::ZipMb => vec![self.zip_bytes as f64 / 1e6],
            Figure::Allocations => self.allocations.iter().map(|count| *count as f64).collect(),
        }
    }

    /// Returns the spread of a figure, if it was measured.
    pub(crate) fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of(&self.values(figure))
    }
}

impl BenchResults {
    /// Returns what was measured of a target.
    pub(crate) fn target(&self, target: Target) -> Option<&TargetResults> {
        self.targets.iter().find(|results| results.target == target)
    }

    /// Returns the spread of the ratios to the empty function, each within one run.
    ///
    /// A ratio within a run does not depend on how fast the machine was during that run.
    pub(crate) fn ratio(&self, target: Target, figure: Figure) -> Option<Spread> {
        let values = self.target(target)?.values(figure);
        let empty = self.target(Target::Empty)?.values(figure);
        let ratios = values.iter().zip(&empty).map(|(value, empty)| value / empty);
        Spread::of(&ratios.collect::<Vec<f64>>())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Results of one run per latency, of the empty function and of availability.
    pub(in super::super) fn sample(empty: [f64; 3], availability: [f64; 3]) -> BenchResults {
        let target = |target, latencies: [f64; 3]| {
            let warm = Warm {
                requests: 10,
                p50_us: 0.0,
                p99_us: 100.0,
                p999_us: 100.0,
                requests_per_second: 1000.0,
            };
            let run = |p50_us| Run {
                start_to_first_poll_ms: 1.0,
                start_to_first_response_ms: 2.0,
                peak_memory_kib: 4096,
                warm: Some(Warm { p50_us, ..warm }),
            };
            TargetResults {
                target,
                binary_bytes: 2_000_000,
                zip_bytes: 1_000_000,
                allocations: Vec::new(),
                runs: latencies.map(run).into(),
            }
        };
        BenchResults {
            machine: Machine {
                cpu_model: "Abacus".to_owned(),
                cores: 2,
                memory_mib: 4096,
                kernel: "6".to_owned(),
                rustc: "rustc 1".to_owned(),
                commit: "abc".to_owned(),
                measured_at: jiff::Timestamp::UNIX_EPOCH,
            },
            plan: Plan { runs: 3, requests: 10, quick: true },
            server: Vec::new(),
            targets: vec![
                target(Target::Empty, empty),
                target(Target::AvailabilityL1, availability),
            ],
        }
    }

    #[test]
    fn a_ratio_compares_with_the_empty_function_of_the_same_run() {
        // The machine was slow during the last run, and the ratio does not show it.
        let results = sample([10.0, 10.0, 40.0], [11.0, 12.0, 52.0]);
        let ratio = results.ratio(Target::AvailabilityL1, Figure::WarmP50Us).unwrap();
        assert_eq!((ratio.lowest, ratio.median, ratio.highest), (1.1, 1.2, 1.3));
    }
}
