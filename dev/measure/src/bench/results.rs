//! What was measured, as it is kept, printed and compared.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::statistics::Spread;
use crate::machine::Machine;

/// What `cargo dev bench` measured: its JSON, and `docs/load-testing/bench.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// What it was measured on.
    pub machine: Machine,
    /// How much was measured.
    pub plan: Plan,
    /// What the Runtime API server itself costs, once a run: a loop that polls and
    /// answers from memory, with no function behind it.
    pub server: Vec<Warm>,
    /// What was measured, the empty function first.
    pub targets: Vec<Measured>,
    /// What to know when reading the figures.
    pub notes: Vec<String>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// How many runs there were; in each the targets take turns.
    pub runs: usize,
    /// How many warm requests a run times, one after the other.
    pub requests: usize,
    /// Whether it was a quick look: too few requests for the rare slow ones.
    pub quick: bool,
}

/// What is measured: a function, and what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The function that does nothing
    Empty,
    /// GET /availability, answered from the container
    AvailabilityL1,
    /// GET /availability, answered from the table each time
    AvailabilityL2,
    /// GET /availability, with a table that has nothing of the calendars yet
    AvailabilityCold,
    /// POST /checkout without a body: a deposit that reserves nothing
    CheckoutBare,
    /// POST /checkout with a body: a hold, and a session to pay it
    CheckoutBody,
    /// POST /stripe/webhook with the payment of a booking that is held
    Webhook,
}

/// One target's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// What was measured.
    pub target: Target,
    /// The size of the program, as it is deployed.
    pub binary_bytes: u64,
    /// The size of the program, packed as `cargo lambda build --output-format zip` does.
    pub zip_bytes: u64,
    /// Allocations inside `handle` of each warm request that was counted, in
    /// order; empty where there is nothing to count.
    pub allocations: Vec<u64>,
    /// What was measured in each run, in order: the same place is the same run in
    /// every target.
    pub runs: Vec<Run>,
    /// The middle, the lowest and the highest of the runs.
    pub figures: BTreeMap<Figure, Spread>,
    /// The same of the ratios to the empty function, each within one run.
    pub ratios: BTreeMap<Figure, Spread>,
}

/// What one run measured of a target: the life of one process, and for the start
/// the median of several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// From starting the process to its asking for the first event, in milliseconds.
    pub start_to_first_poll_ms: f64,
    /// From starting the process to having read its first response, in milliseconds.
    pub start_to_first_response_ms: f64,
    /// The most memory that the process has held, in KiB.
    pub peak_memory_kib: u64,
    /// Its warm requests; `None` where only a start is measured.
    pub warm: Option<Warm>,
}

/// Requests to a process that has answered before, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warm {
    /// How many were timed.
    pub requests: usize,
    /// The time that half of them took at most, in microseconds: from handing over
    /// the event to having read the response.
    pub p50_us: f64,
    /// The time that 99 % took at most, in microseconds.
    pub p99_us: f64,
    /// The time that 99.9 % took at most, in microseconds.
    pub p999_us: f64,
    /// How many were answered a second, polls in between included.
    pub requests_per_second: f64,
}

/// One of the figures; its name has the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Figure {
    /// See [`Run::start_to_first_poll_ms`].
    StartToFirstPollMs,
    /// See [`Run::start_to_first_response_ms`].
    StartToFirstResponseMs,
    /// See [`Warm::p50_us`].
    WarmP50Us,
    /// See [`Warm::p99_us`].
    WarmP99Us,
    /// See [`Warm::p999_us`].
    WarmP999Us,
    /// See [`Warm::requests_per_second`].
    WarmRequestsPerSecond,
    /// See [`Run::peak_memory_kib`].
    PeakMemoryKib,
    /// See [`Measured::binary_bytes`].
    BinaryBytes,
    /// See [`Measured::zip_bytes`].
    ZipBytes,
    /// See [`Measured::allocations`].
    Allocations,
}

impl Target {
    /// Lists all targets, in the order in which they take turns.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::AvailabilityL1,
        Self::AvailabilityL2,
        Self::AvailabilityCold,
        Self::CheckoutBare,
        Self::CheckoutBody,
        Self::Webhook,
    ];

    /// Returns the name on the command line and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
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

    /// Returns the name of the program that is run.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::AvailabilityL1 | Self::AvailabilityL2 | Self::AvailabilityCold => "availability",
            Self::CheckoutBare | Self::CheckoutBody => "checkout",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Figure {
    /// Lists all figures, as tables show them.
    pub const ALL: [Self; 10] = [
        Self::StartToFirstPollMs,
        Self::StartToFirstResponseMs,
        Self::WarmP50Us,
        Self::WarmP99Us,
        Self::WarmP999Us,
        Self::WarmRequestsPerSecond,
        Self::PeakMemoryKib,
        Self::BinaryBytes,
        Self::ZipBytes,
        Self::Allocations,
    ];

    /// Returns this figure of one run, if it is one of a run and was measured.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no process has 2^52 KiB")]
    fn of_run(self, run: &Run) -> Option<f64> {
        match self {
            Self::StartToFirstPollMs => Some(run.start_to_first_poll_ms),
            Self::StartToFirstResponseMs => Some(run.start_to_first_response_ms),
            Self::PeakMemoryKib => Some(run.peak_memory_kib as f64),
            Self::WarmP50Us => run.warm.map(|warm| warm.p50_us),
            Self::WarmP99Us => run.warm.map(|warm| warm.p99_us),
            Self::WarmP999Us => run.warm.map(|warm| warm.p999_us),
            Self::WarmRequestsPerSecond => run.warm.map(|warm| warm.requests_per_second),
            Self::BinaryBytes | Self::ZipBytes | Self::Allocations => None,
        }
    }
}

impl Measured {
    /// Makes a target of which nothing is measured yet.
    pub(super) const fn new(target: Target, binary_bytes: u64, zip_bytes: u64) -> Self {
        Self {
            target,
            binary_bytes,
            zip_bytes,
            allocations: Vec::new(),
            runs: Vec::new(),
            figures: BTreeMap::new(),
            ratios: BTreeMap::new(),
        }
    }

    /// Returns each value of a figure: one a run, or one where the runs do not differ.
    #[expect(clippy::cast_precision_loss, reason = "no program has 2^52 bytes")]
    fn values(&self, figure: Figure) -> Vec<f64> {
        match figure {
            Figure::BinaryBytes => vec![self.binary_bytes as f64],
            Figure::ZipBytes => vec![self.zip_bytes as f64],
            Figure::Allocations => self.allocations.iter().map(|count| *count as f64).collect(),
            _ => self.runs.iter().filter_map(|run| figure.of_run(run)).collect(),
        }
    }
}

impl Results {
    /// Fills in the figures and the ratios from what was measured.
    pub(super) fn summarize(&mut self) {
        let empty = self.of(Target::Empty).cloned();
        for measured in &mut self.targets {
            for figure in Figure::ALL {
                let values = measured.values(figure);
                let Some(spread) = Spread::of(&values) else { continue };
                measured.figures.insert(figure, spread);
                // Nothing is allocated where there is no `handle`.
                let Some(empty) = empty.as_ref().filter(|_| figure != Figure::Allocations) else {
                    continue;
                };
                let ratios: Vec<f64> = values
                    .iter()
                    .zip(empty.values(figure))
                    .filter(|(_, empty)| *empty > 0.0)
                    .map(|(value, empty)| value / empty)
                    .collect();
                if let Some(spread) = Spread::of(&ratios) {
                    measured.ratios.insert(figure, spread);
                }
            }
        }
    }

    /// Returns what was measured of a target.
    #[must_use]
    pub fn of(&self, target: Target) -> Option<&Measured> {
        self.targets.iter().find(|measured| measured.target == target)
    }
}
