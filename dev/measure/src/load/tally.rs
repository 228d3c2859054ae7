//! Counts answers and their latencies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::function_client::Reply;
use super::load_results::{AnswerCount, Latency, Step};
use crate::statistics::percentile;

#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    latencies_ms: Vec<f64>,
    answers: BTreeMap<(Option<u16>, Option<String>), u64>,
}

impl Tally {
    /// Counts a reply. One that never came has no latency.
    pub(super) fn add(&mut self, reply: &Reply) {
        if reply.status.is_some() {
            self.latencies_ms.push(reply.latency.as_secs_f64() * 1_000.0);
        }
        *self.answers.entry((reply.status, reply.code.clone())).or_default() += 1;
    }

    /// Adds the counts of another tally.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.latencies_ms.extend(other.latencies_ms);
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        self
    }

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

    pub(super) fn answers(&self) -> Vec<AnswerCount> {
        let answers = self.answers.clone().into_iter();
        answers.map(|((status, code), count)| AnswerCount { status, code, count }).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "a step has far fewer than 2^52 requests")]
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

    fn reply(status: Option<u16>, code: Option<&str>, ms: u64) -> Reply {
        Reply {
            status,
            code: code.map(str::to_owned),
            latency: Duration::from_millis(ms),
            ..Reply::default()
        }
    }

    #[test]
    fn answers_are_counted_by_status_and_code_and_lost_ones_have_no_latency() {
        let mut tally = Tally::default();
        for ms in 1..=10 {
            tally.add(&reply(Some(201), None, ms));
        }
        let mut other = Tally::default();
        other.add(&reply(Some(503), Some("stripe_busy"), 1_000));
        other.add(&reply(None, Some("timeout"), 35_000));
        let step = tally.merge(other).step(4, 3, Duration::from_secs(2));
        assert_eq!((step.requests, step.clients, step.containers), (11, 4, 3));
        assert!((step.requests_per_second - 5.5).abs() < 1e-9);
        assert!((step.latency.p50_ms - 6.0).abs() < 1e-9, "{:?}", step.latency);
        assert!((step.latency.max_ms - 1_000.0).abs() < 1e-9, "{:?}", step.latency);
        let answers: Vec<_> =
            step.answers.iter().map(|it| (it.status, it.code.as_deref(), it.count)).collect();
        let expected = [
            (None, Some("timeout"), 1),
            (Some(201), None, 10),
            (Some(503), Some("stripe_busy"), 1),
        ];
        assert_eq!(answers, expected);
        assert_eq!(Tally::default().latency(), Latency::default());
    }
}
