//! The results of `cargo dev load` as Markdown.

use super::load_bars::bars;
use super::load_results::{
    AnswerCount, AvailabilityResults, CheckoutResults, CrowdResults, LimitResults, LoadResults,
    SoakResults,
};
use crate::bar;
use crate::markdown::{count, number, numbers};

/// Writes the tables and the bars.
pub(super) fn report(results: &LoadResults) -> String {
    let parts = [
        Some(format!("{}\nPlain requests by {}.\n", results.machine.summary(), results.generator)),
        results.availability.as_ref().map(availability),
        results.checkout.as_ref().map(checkout),
        results.limit.as_ref().map(limit),
        results.crowd.as_ref().map(crowd),
        results.soak.as_ref().map(soak),
        Some(bar::table(&bars(results))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn availability(results: &AvailabilityResults) -> String {
    let headings = [
        "connections",
        "requests/s",
        "empty",
        "ratio",
        "p50, ms",
        "empty",
        "p99, ms",
        "empty",
        "containers",
    ];
    let rows = results.steps.iter().map(|step| {
        let (availability, empty) = (&step.availability, &step.empty);
        [
            availability.clients.to_string(),
            number(availability.requests_per_second),
            number(empty.requests_per_second),
            format!("{:.2} ×", step.throughput_ratio),
            number(availability.latency.p50_ms),
            number(empty.latency.p50_ms),
            number(availability.latency.p99_ms),
            number(empty.latency.p99_ms),
            availability.containers.to_string(),
        ]
    });
    numbers(headings, rows.collect())
}

fn checkout(results: &CheckoutResults) -> String {
    let headings = [
        "clients",
        "containers",
        "per second",
        "p50, ms",
        "p90, ms",
        "p99, ms",
        "slowest, ms",
        "answers",
    ];
    let rows = results.steps.iter().map(|step| {
        [
            step.clients.to_string(),
            step.containers.to_string(),
            number(step.requests_per_second),
            number(step.latency.p50_ms),
            number(step.latency.p90_ms),
            number(step.latency.p99_ms),
            number(step.latency.max_ms),
            answers(&step.answers),
        ]
    });
    numbers(headings, rows.collect())
}

fn limit(results: &LimitResults) -> String {
    format!(
        "Beyond the limit: {} checkouts in {:.1} s, {} per second, with a Stripe that allows {} \
         per second: {:.1} % of the limit became sessions. {} were turned away with {} in \
         flight. Answers: {}. With a session: p50 {} ms, p99 {} ms.\n",
        count(results.offered),
        results.duration_seconds,
        results.offered_per_second,
        results.stripe_limit_per_second,
        results.share_of_limit * 100.0,
        count(results.turned_away),
        results.in_flight_limit,
        answers(&results.answers),
        number(results.session_latency.p50_ms),
        number(results.session_latency.p99_ms),
    )
}

fn crowd(results: &CrowdResults) -> String {
    format!(
        "Crowd: {} visitors, {} times on {}, {:.1} s. {} booked, {} found their times taken, {} \
         gave up. Page: {}; p50 {} ms, p99 {} ms. Checkout: {}; p50 {} ms, p99 {} ms.\n",
        results.visitors,
        results.starts_shown,
        results.date,
        results.duration_seconds,
        results.booked,
        results.left_without,
        results.put_off,
        answers(&results.page_answers),
        number(results.page_latency.p50_ms),
        number(results.page_latency.p99_ms),
        answers(&results.checkout_answers),
        number(results.checkout_latency.p50_ms),
        number(results.checkout_latency.p99_ms),
    )
}

#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 bytes")]
fn soak(results: &SoakResults) -> String {
    let load = results.load.iter().map(|(function, step)| {
        [
            function.clone(),
            count(step.requests),
            number(step.requests_per_second),
            number(step.latency.p50_ms),
            number(step.latency.p99_ms),
            number(step.latency.max_ms),
            answers(&step.answers),
        ]
    });
    let load_headings =
        ["soak", "requests", "per second", "p50, ms", "p99, ms", "slowest, ms", "answers"];
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let processes = results.processes.iter().map(|process| {
        [
            process.function.clone(),
            megabytes(process.resident_bytes_at_half),
            megabytes(process.resident_bytes_at_end),
            number(process.growth_bytes_per_request),
            process.most_descriptors.to_string(),
            number(process.descriptors_per_minute),
        ]
    });
    let process_headings = [
        "process of",
        "memory at half time, MB",
        "at the end, MB",
        "growth, bytes per request",
        "descriptors",
        "growth per minute",
    ];
    format!(
        "{}\n{}",
        numbers(load_headings, load.collect()),
        numbers(process_headings, processes.collect())
    )
}

/// Writes answers and their counts: `201 × 812, 503 stripe_busy × 3`.
fn answers(answers: &[AnswerCount]) -> String {
    let texts = answers.iter().map(|answer| {
        let status = answer.status.map(|status| status.to_string());
        let words: Vec<String> = status.into_iter().chain(answer.code.clone()).collect();
        format!("{} × {}", words.join(" "), count(answer.count))
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::results_file;

    #[test]
    fn the_committed_results_have_every_bar_and_no_process_without_memory() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let results: LoadResults = results_file::load(&root, "load.json").unwrap();
        assert_eq!(bars(&results).len(), 17);
        let report = report(&results);
        assert!(report.contains("503 stripe_busy × 540"), "{report}");
        assert!(!report.contains("| 0.0 |"), "{report}");
    }

    #[test]
    fn answers_have_a_status_a_code_and_a_count() {
        let answer = |status, code: Option<&str>, count| AnswerCount {
            status,
            code: code.map(str::to_owned),
            count,
        };
        let all = [
            answer(None, Some("timeout"), 1),
            answer(Some(201), None, 1_812),
            answer(Some(503), Some("stripe_busy"), 3),
        ];
        assert_eq!(answers(&all), "timeout × 1, 201 × 1,812, 503 stripe_busy × 3");
    }
}
