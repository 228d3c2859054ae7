//! Counting answers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::results::{AnswerCount, Latency, Step};
use super::visitors::Answer;
use crate::bench::statistics::percentile;

/// What was answered, and how long that took.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    latencies_ms: Vec<f64>,
    answers: BTreeMap<(Option<u16>, Option<String>), u64>,
}

impl Tally {
    /// Counts an answer, also one that never came.
    pub(super) fn add(&mut self, answer: &Answer) {
        if answer.status.is_some() {
            self.latencies_ms.push(answer.latency.as_secs_f64() * 1_000.0);
        }
        *self.answers.entry((answer.status, answer.code.clone())).or_default() += 1;
    }

    /// Adds what another has counted.
    pub(super) fn merge(&mut self, other: Self) {
        self.latencies_ms.extend(other.latencies_ms);
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
    }

    /// Returns how long those that came took.
    pub(super) fn latency(&self) -> Latency {
        let at = |per_mille| percentile(&self.latencies_ms, per_mille).unwrap_or_default();
        Latency {
            p50_ms: at(500),
            p90_ms: at(900),
            p99_ms: at(990),
            p999_ms: at(999),
            max_ms: at(1_000),
        }
    }

    /// Lists what was answered.
    pub(super) fn answers(&self) -> Vec<AnswerCount> {
        let count = |((status, code), count): (&(_, Option<String>), &u64)| AnswerCount {
            status: *status,
            code: code.clone(),
            count: *count,
        };
        self.answers.iter().map(count).collect()
    }

    /// Makes the result of a step of it.
    #[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 requests")]
    pub(super) fn step(&self, clients: u32, containers: u32, duration: Duration) -> Step {
        let requests = self.latencies_ms.len() as u64;
        let duration_seconds = duration.as_secs_f64();
        Step {
            clients,
            containers,
            duration_seconds,
            requests,
            requests_per_second: requests as f64 / duration_seconds,
            latency: self.latency(),
            answers: self.answers(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>, code: Option<&str>, ms: u64) -> Answer {
        Answer {
            status,
            code: code.map(str::to_owned),
            latency: Duration::from_millis(ms),
            ..Answer::default()
        }
    }

    #[test]
    fn answers_are_counted_by_status_and_code_and_lost_ones_have_no_latency() {
        let mut tally = Tally::default();
        for ms in 1..=10 {
            tally.add(&answer(Some(201), None, ms));
        }
        let mut other = Tally::default();
        other.add(&answer(Some(503), Some("stripe_busy"), 1_000));
        other.add(&answer(None, Some("timeout"), 35_000));
        tally.merge(other);
        let step = tally.step(4, 3, Duration::from_secs(2));
        assert_eq!((step.requests, step.clients, step.containers), (11, 4, 3));
        assert!((step.requests_per_second - 5.5).abs() < 1e-9);
        assert!((step.latency.p50_ms - 6.0).abs() < 1e-9, "{:?}", step.latency);
        assert!((step.latency.max_ms - 1_000.0).abs() < 1e-9, "{:?}", step.latency);
        let answers: Vec<_> =
            step.answers.iter().map(|a| (a.status, a.code.as_deref(), a.count)).collect();
        assert_eq!(
            answers,
            [
                (None, Some("timeout"), 1),
                (Some(201), None, 10),
                (Some(503), Some("stripe_busy"), 1)
            ]
        );
    }

    #[test]
    fn nothing_answered_is_no_latency() {
        assert_eq!(Tally::default().latency(), Latency::default());
    }
}
