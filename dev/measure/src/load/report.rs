//! What is printed at the end.

use std::fmt::Write as _;

use super::results::{AnswerCount, Latency, LoadResults, Step};
use super::verdicts::verdicts;

/// Writes the tables and the verdicts.
pub(super) fn report(results: &LoadResults) -> String {
    let mut text = String::new();
    steps(&mut text, results);
    limit_and_crowd(&mut text, results);
    soak(&mut text, results);
    let verdicts = verdicts(results);
    if !verdicts.is_empty() {
        let _ = writeln!(text, "\nbars");
    }
    for verdict in verdicts {
        let word = if verdict.is_met { "met   " } else { "MISSED" };
        let _ = writeln!(text, "  {word}  {}: {}", verdict.what, verdict.measured);
        let _ = writeln!(text, "          {}", verdict.bar);
    }
    text
}

const HEAD: &str = "clients  containers  requests/s   p50 ms   p90 ms   p99 ms  p99.9 ms    max ms";

fn steps(text: &mut String, results: &LoadResults) {
    if let Some(availability) = &results.availability {
        let _ = writeln!(text, "\navailability, and the empty function\n  {:14} {HEAD}", "");
        for step in &availability.steps {
            row(text, "availability", &step.availability);
            row(text, "empty", &step.empty);
            let _ = writeln!(text, "  {:14} {:.2} x", "", step.throughput_ratio);
        }
    }
    if let Some(checkout) = &results.checkout {
        let ms = checkout.stripe_latency_ms;
        let _ = writeln!(text, "\ncheckout with a body, Stripe at {ms} ms\n  {:14} {HEAD}", "");
        for step in &checkout.steps {
            row(text, "checkout", step);
        }
    }
}

fn row(text: &mut String, name: &str, step: &Step) {
    let Step { clients, containers, requests_per_second, latency, answers, .. } = step;
    let Latency { p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = latency;
    let _ = writeln!(
        text,
        "  {name:14} {clients:7}  {containers:10}  {requests_per_second:10.1} {p50_ms:8.2} \
         {p90_ms:8.2} {p99_ms:8.2}  {p999_ms:8.2}  {max_ms:8.2}  {}",
        told(answers)
    );
}

fn limit_and_crowd(text: &mut String, results: &LoadResults) {
    if let Some(limit) = &results.limit {
        let _ = write!(
            text,
            "\ncheckout beyond Stripe's limit of {}/s\n  {} visitors in {:.1} s, {} of them turned \
             away at {} in flight, {} containers\n  answers: {}\n  p50 {:.0} ms, max {:.0} ms; with \
             a session p50 {:.0} ms, max {:.0} ms\n  {} sessions of {} requests to Stripe\n",
            limit.stripe_limit_per_second,
            limit.offered,
            limit.duration_seconds,
            limit.turned_away,
            limit.in_flight_limit,
            limit.containers,
            told(&limit.answers),
            limit.latency.p50_ms,
            limit.latency.max_ms,
            limit.session_latency.p50_ms,
            limit.session_latency.max_ms,
            limit.sessions,
            limit.stripe_requests,
        );
    }
    if let Some(crowd) = &results.crowd {
        let _ = write!(
            text,
            "\ncrowd on {}\n  {} visitors, {} times, {:.1} s\n  pages: {}; p50 {:.1} ms, max {:.1} \
             ms\n  checkouts: {}; p50 {:.1} ms, max {:.1} ms\n  {} booked, {} left without, {} put \
             off\n",
            crowd.date,
            crowd.visitors,
            crowd.starts_shown,
            crowd.duration_seconds,
            told(&crowd.page_answers),
            crowd.page_latency.p50_ms,
            crowd.page_latency.max_ms,
            told(&crowd.checkout_answers),
            crowd.checkout_latency.p50_ms,
            crowd.checkout_latency.max_ms,
            crowd.booked,
            crowd.left_without,
            crowd.put_off,
        );
    }
}

fn soak(text: &mut String, results: &LoadResults) {
    let Some(soak) = &results.soak else { return };
    let _ = writeln!(text, "\nsoak, {:.0} s\n  {:14} {HEAD}", soak.duration_seconds, "");
    for (function, step) in &soak.load {
        row(text, function, step);
    }
    for process in &soak.processes {
        let last = process.samples.last();
        let _ = writeln!(
            text,
            "  {:14} process {}: {} KiB, {} descriptors at the end; in the second half {:.0} bytes/s, \
             {:.0} bytes a request",
            process.function,
            process.pid,
            last.map_or(0, |sample| sample.resident_bytes / 1_024),
            last.map_or(0, |sample| sample.descriptors),
            process.growth_bytes_per_second,
            process.growth_bytes_per_request,
        );
    }
}

/// Says what was answered and how often: `201 ×812, 503 stripe_busy ×3`.
fn told(answers: &[AnswerCount]) -> String {
    let told = answers.iter().map(|AnswerCount { status, code, count }| {
        let status = status.map(|status| status.to_string());
        let words: Vec<String> = status.into_iter().chain(code.clone()).collect();
        format!("{} ×{count}", words.join(" "))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_with_their_codes() {
        let answers = [
            AnswerCount { status: None, code: Some("timeout".to_owned()), count: 1 },
            AnswerCount { status: Some(201), code: None, count: 812 },
            AnswerCount { status: Some(503), code: Some("stripe_busy".to_owned()), count: 3 },
        ];
        assert_eq!(told(&answers), "timeout ×1, 201 ×812, 503 stripe_busy ×3");
    }
}
