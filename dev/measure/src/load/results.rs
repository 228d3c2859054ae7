//! What a load test has measured: what `--json` prints, and what is kept in
//! `docs/load-testing/load.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// A load test. A scenario that was not run, or not finished, is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadResults {
    /// What it was made on.
    pub machine: Machine,
    /// Whether it was the short form, whose numbers are for a first look.
    pub is_quick: bool,
    /// The load generator of the plain requests, with its version.
    pub generator: String,
    /// Availability at rising concurrency, beside the empty function.
    pub availability: Option<AvailabilityResults>,
    /// Checkout with a body at rising concurrency, at a Stripe without a limit.
    pub checkout: Option<CheckoutResults>,
    /// Checkout beyond Stripe's limit.
    pub limit: Option<LimitResults>,
    /// Many visitors who want the same Saturday.
    pub crowd: Option<CrowdResults>,
    /// A steady load, with memory and descriptors watched.
    pub soak: Option<SoakResults>,
}

/// Requests sent by so many clients, each of whom waits for the answer before
/// the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Requests in flight at the same time.
    pub clients: u32,
    /// How many processes the function had at the end of it.
    pub containers: u32,
    /// From the first request to the last answer.
    pub duration_seconds: f64,
    /// How many were answered, whatever the answer.
    pub requests: u64,
    /// Of those, each second.
    pub requests_per_second: f64,
    /// How long the answers took.
    pub latency: Latency,
    /// What they were.
    pub answers: Vec<AnswerCount>,
}

/// How long answers took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Half took no longer.
    pub p50_ms: f64,
    /// 90 % took no longer.
    pub p90_ms: f64,
    /// 99 % took no longer.
    pub p99_ms: f64,
    /// 99.9 % took no longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// How often something was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerCount {
    /// The status; absent where no answer came.
    pub status: Option<u16>,
    /// The contract's code of an error, or what kept the answer from coming.
    pub code: Option<String>,
    /// How often.
    pub count: u64,
}

/// Availability at rising concurrency, beside the empty function: one after the
/// other in rounds, under one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityResults {
    /// How often each step was measured.
    pub rounds: u32,
    /// A step for each number of clients, rising.
    pub steps: Vec<AvailabilityStep>,
}

/// One number of clients, at both functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityStep {
    /// `GET /availability`, answered out of the container's memory: the round of
    /// median throughput.
    pub availability: Step,
    /// The same request, answered by the function that does nothing.
    pub empty: Step,
    /// Requests/s of availability over those of the empty function: the median
    /// of the rounds' ratios.
    pub throughput_ratio: f64,
}

/// Checkout with a body at rising concurrency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutResults {
    /// How long the sandbox takes to answer.
    pub stripe_latency_ms: u64,
    /// A step for each number of clients, rising.
    pub steps: Vec<Step>,
}

/// Checkout offered more often than Stripe answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitResults {
    /// Requests a second that the sandbox allows.
    pub stripe_limit_per_second: u32,
    /// How long the sandbox takes to answer.
    pub stripe_latency_ms: u64,
    /// Visitors a second, whether or not those before have an answer.
    pub offered_per_second: u32,
    /// For how long they came.
    pub duration_seconds: f64,
    /// How many came.
    pub offered: u64,
    /// How many of them found as many in flight as the emulator bears, and were
    /// turned away before it.
    pub turned_away: u64,
    /// How many are in flight at most.
    pub in_flight_limit: u32,
    /// How many processes the function had at the end of it.
    pub containers: u32,
    /// How long all answers took.
    pub latency: Latency,
    /// How long those took that have a session.
    pub session_latency: Latency,
    /// What the answers were.
    pub answers: Vec<AnswerCount>,
    /// Answers that are neither a session nor 429 or 503 with `Retry-After`.
    pub answers_without_a_way_on: u64,
    /// How often the sandbox was asked for a session, those it refused included.
    pub stripe_requests: u64,
    /// Sessions that the sandbox opened while visitors came.
    pub sessions: u64,
    /// Of those, over as many as the limit allows in that time.
    pub share_of_limit: f64,
    /// Sessions opened in each second, from the first visitor on.
    pub sessions_by_second: Vec<u64>,
    /// Whether the table and the sandbox's books agree with the answers.
    pub accounts: Accounts,
}

/// The answers held against the table and against the sandbox's books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounts {
    /// Holds in the table.
    pub holds: u64,
    /// Holds that an answer promises and the table does not have.
    pub holds_lost: u64,
    /// Holds in the table that no answer accounts for.
    pub holds_unaccounted: u64,
    /// Bookings with more than one session at the sandbox.
    pub sessions_twice: u64,
    /// Sessions at the sandbox of which the table knows no booking.
    pub sessions_without_hold: u64,
    /// Pairs of entries of one person that overlap.
    pub overlaps: u64,
}

/// Visitors from as many addresses, who all want the same Saturday.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrowdResults {
    /// How many come at the same moment.
    pub visitors: u32,
    /// The Saturday, at the salon.
    pub date: String,
    /// The times that were shown as free before.
    pub starts_shown: u32,
    /// How many are in flight at most, at each function.
    pub in_flight_limit: u32,
    /// From the first page to the last answer.
    pub duration_seconds: f64,
    /// How long the page's times took.
    pub page_latency: Latency,
    /// What was answered to the pages.
    pub page_answers: Vec<AnswerCount>,
    /// How long checkouts took.
    pub checkout_latency: Latency,
    /// What was answered to them: a visitor may try again.
    pub checkout_answers: Vec<AnswerCount>,
    /// Visitors who have a hold and a session.
    pub booked: u64,
    /// Visitors who were told that their times are taken.
    pub left_without: u64,
    /// Visitors who were told to come back later until they gave up.
    pub put_off: u64,
    /// Answers of 5xx other than `stripe_busy`, and answers that never came.
    pub failures: u64,
    /// Whether the table and the sandbox's books agree with the answers.
    pub accounts: Accounts,
}

/// A steady load, with every process of the functions watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoakResults {
    /// For how long.
    pub duration_seconds: f64,
    /// The load on each function, by its name.
    pub load: BTreeMap<String, Step>,
    /// Every process, by function and in the order of their starts.
    pub processes: Vec<ProcessTimeline>,
}

/// One process over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessTimeline {
    /// The function.
    pub function: String,
    /// The process's id.
    pub pid: u32,
    /// Its share of its function's requests in the second half: an estimate, as
    /// processes of one function take turns.
    pub requests_in_second_half: u64,
    /// The slope of a least-squares line through the resident set over the second
    /// half.
    pub growth_bytes_per_second: f64,
    /// The same, over the requests of that time.
    pub growth_bytes_per_request: f64,
    /// The slope of a least-squares line through the descriptors over the second
    /// half.
    pub descriptors_per_minute: f64,
    /// What was seen of it, in order.
    pub samples: Vec<ProcessSample>,
}

/// One look at a process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessSample {
    /// Since the soak began.
    pub at_seconds: f64,
    /// Its resident set.
    pub resident_bytes: u64,
    /// Its open descriptors.
    pub descriptors: u32,
}
