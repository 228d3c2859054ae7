//! Counts replies and summarizes their latencies.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::reply::Reply;
use crate::statistics::{float, percentile};

/// The replies to a load. Percentiles are nearest ranks of all replies.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplyCounts {
    /// From the first request to the last reply.
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) slowest_ms: f64,
    /// Replies by status and error code. Without a status, no reply came.
    pub(super) counts: BTreeMap<(Option<u16>, String), usize>,
}

impl ReplyCounts {
    pub(super) fn of<'a>(replies: impl IntoIterator<Item = &'a Reply>, time: Duration) -> Self {
        let mut latencies_ms = Vec::new();
        let mut counts = BTreeMap::new();
        for reply in replies {
            if reply.status.is_some() {
                latencies_ms.push(reply.latency.as_secs_f64() * 1_000.0);
            }
            let key = (reply.status, reply.code.clone().unwrap_or_default());
            *counts.entry(key).or_default() += 1;
        }
        let [p50_ms, p90_ms, p99_ms, slowest_ms] =
            [500, 900, 990, 1_000].map(|per_mille| percentile(&latencies_ms, per_mille));
        Self { seconds: time.as_secs_f64(), p50_ms, p90_ms, p99_ms, slowest_ms, counts }
    }

    /// Counts the requests that were answered, with whatever status.
    pub(super) fn answered(&self) -> usize {
        self.counts.iter().filter_map(|((status, _), count)| status.map(|_| count)).sum()
    }

    pub(super) fn per_second(&self) -> f64 {
        float(self.answered()) / self.seconds
    }

    /// Counts the requests that were not answered with this status.
    pub(super) fn other_than(&self, status: u16) -> usize {
        let others = self.counts.iter().filter(|((found, _), _)| *found != Some(status));
        others.map(|(_, count)| count).sum()
    }

    /// Returns the figures of a table's row.
    pub(super) fn figures(&self) -> impl Iterator<Item = (String, f64)> {
        let latencies = [
            ("per second", self.per_second()),
            ("p50, ms", self.p50_ms),
            ("p90, ms", self.p90_ms),
            ("p99, ms", self.p99_ms),
            ("slowest, ms", self.slowest_ms),
        ];
        let counts = self.counts.iter().map(|((status, code), count)| {
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            (format!("{status} {code}").trim_end().to_owned(), float(*count))
        });
        latencies.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(counts)
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
    fn replies_are_counted_by_status_and_code_and_lost_ones_have_no_latency() {
        let mut replies: Vec<Reply> = (1..=10).map(|ms| reply(Some(201), None, ms)).collect();
        replies.push(reply(Some(503), Some("stripe_busy"), 1_000));
        replies.push(reply(None, Some("timeout"), 35_000));
        let counts = ReplyCounts::of(&replies, Duration::from_secs(2));
        assert_eq!((counts.answered(), counts.other_than(201)), (11, 2));
        let figures: Vec<(String, f64)> = counts.figures().collect();
        let expected = [
            ("per second", 5.5),
            ("p50, ms", 6.0),
            ("p90, ms", 10.0),
            ("p99, ms", 1_000.0),
            ("slowest, ms", 1_000.0),
            ("no answer timeout", 1.0),
            ("201", 10.0),
            ("503 stripe_busy", 1.0),
        ];
        assert_eq!(figures, expected.map(|(name, value)| (name.to_owned(), value)));
        assert!(ReplyCounts::of([], Duration::from_secs(2)).p50_ms.is_nan());
    }
}
