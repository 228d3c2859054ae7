//! The results of `cargo dev load`, as they are saved in `docs/load-testing/load.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// A load test. A scenario that was not run, or not finished, is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadResults {
    pub(crate) machine: Machine,
    pub(crate) is_quick: bool,
    /// The load generator for plain requests, with its version.
    pub(crate) generator: String,
    pub(crate) availability: Option<AvailabilityResults>,
    pub(crate) checkout: Option<CheckoutResults>,
    pub(crate) limit: Option<LimitResults>,
    pub(crate) crowd: Option<CrowdResults>,
    pub(crate) soak: Option<SoakResults>,
}

/// Requests of some clients, each of which waits for the answer before the next request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) clients: u32,
    /// Processes of the function at the end of the step.
    pub(crate) containers: u32,
    /// From the first request to the last answer.
    pub(crate) duration_seconds: f64,
    /// Requests with an answer, whatever it was.
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) latency: Latency,
    pub(crate) answers: Vec<AnswerCount>,
}

/// Percentiles of the latency: nearest ranks of all answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names have the unit")]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerCount {
    /// Absent where no answer came.
    pub(crate) status: Option<u16>,
    /// The error's code from the API contract, or the reason why no answer came.
    pub(crate) code: Option<String>,
    pub(crate) count: u64,
}

/// Availability at rising concurrency, in rounds with the empty function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AvailabilityResults {
    pub(crate) rounds: u32,
    pub(crate) steps: Vec<AvailabilityStep>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AvailabilityStep {
    /// `GET /availability`, answered from the container: the round of median throughput.
    pub(crate) availability: Step,
    /// The same request to the empty function.
    pub(crate) empty: Step,
    /// Requests/s of availability over those of the empty function: the median ratio of
    /// the rounds.
    pub(crate) throughput_ratio: f64,
}

/// Checkout with a body at rising concurrency, with a Stripe without a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckoutResults {
    pub(crate) stripe_latency_ms: u64,
    pub(crate) steps: Vec<Step>,
}

/// More checkouts than Stripe's limit allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LimitResults {
    pub(crate) stripe_limit_per_second: u32,
    pub(crate) stripe_latency_ms: u64,
    /// Visitors per second, whether or not earlier ones have an answer.
    pub(crate) offered_per_second: u32,
    pub(crate) duration_seconds: f64,
    pub(crate) offered: u64,
    /// Visitors who were turned away before the emulator, as `in_flight_limit` was reached.
    pub(crate) turned_away: u64,
    pub(crate) in_flight_limit: u32,
    /// Processes of the function at the end.
    pub(crate) containers: u32,
    /// The latency of all answers.
    pub(crate) latency: Latency,
    /// The latency of the answers with a session.
    pub(crate) session_latency: Latency,
    pub(crate) answers: Vec<AnswerCount>,
    /// Answers that are neither a session nor 429 or 503 with `Retry-After`.
    pub(crate) answers_without_next_step: u64,
    /// Requests for a session that reached the sandbox, including those that it refused.
    pub(crate) stripe_requests: u64,
    /// Sessions that the sandbox opened while visitors came.
    pub(crate) sessions: u64,
    /// `sessions` over the number that the limit allows in that time.
    pub(crate) share_of_limit: f64,
    /// Sessions opened in each second, from the first visitor on.
    pub(crate) sessions_by_second: Vec<u64>,
    pub(crate) audit: AuditResults,
}

/// The answers, compared with the table and with the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditResults {
    /// Holds in the table.
    pub(crate) holds: u64,
    /// Holds that an answer promised and that are not in the table.
    pub(crate) holds_lost: u64,
    /// Holds in the table that no answer explains.
    pub(crate) holds_unexplained: u64,
    /// Bookings with more than one session at the sandbox.
    pub(crate) duplicate_sessions: u64,
    /// Sessions at the sandbox without a hold in the table.
    pub(crate) sessions_without_hold: u64,
    /// Entries of one person that overlap an earlier one.
    pub(crate) overlaps: u64,
}

/// Visitors from as many addresses who want the same Saturday.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CrowdResults {
    /// Visitors who come at the same moment.
    pub(crate) visitors: u32,
    /// The Saturday, in the salon's time zone.
    pub(crate) date: String,
    /// Free times that were shown before.
    pub(crate) starts_shown: u32,
    /// The most requests in flight at each function.
    pub(crate) in_flight_limit: u32,
    pub(crate) duration_seconds: f64,
    pub(crate) page_latency: Latency,
    pub(crate) page_answers: Vec<AnswerCount>,
    pub(crate) checkout_latency: Latency,
    /// A visitor may send several checkouts.
    pub(crate) checkout_answers: Vec<AnswerCount>,
    /// Visitors with a hold and a session.
    pub(crate) booked: u64,
    /// Visitors whose times were all taken.
    pub(crate) left_without: u64,
    /// Visitors who gave up after Stripe had been busy several times.
    pub(crate) put_off: u64,
    /// Answers 5xx other than `stripe_busy`, and answers that never came.
    pub(crate) failures: u64,
    pub(crate) audit: AuditResults,
}

/// A steady load, with every process of the functions watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SoakResults {
    pub(crate) duration_seconds: f64,
    /// The load on each function, by its name.
    pub(crate) load: BTreeMap<String, Step>,
    /// The processes, by function and in the order of their starts.
    pub(crate) processes: Vec<ProcessGrowth>,
}

/// One process in the second half of a soak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProcessGrowth {
    pub(crate) function: String,
    /// Its share of the function's requests in the second half: an estimate, as the
    /// processes of a function take turns.
    pub(crate) requests_in_second_half: u64,
    /// The resident set at the first sample of the second half.
    pub(crate) resident_bytes_at_half: u64,
    pub(crate) resident_bytes_at_end: u64,
    /// The slope of the least-squares line through the resident set.
    pub(crate) growth_bytes_per_second: f64,
    /// The same, over the requests of that time.
    pub(crate) growth_bytes_per_request: f64,
    pub(crate) most_descriptors: u32,
    /// The slope of the least-squares line through the open descriptors.
    pub(crate) descriptors_per_minute: f64,
}
