//! The bars of a load test.

use super::EMPTY;
use super::load_results::{
    AuditResults, AvailabilityStep, CheckoutResults, CrowdResults, LimitResults, LoadResults,
    ProcessGrowth, SoakResults,
};
use crate::bar::Bar;

/// The lowest ratio of availability's requests/s to the empty function's.
const MIN_RATIO: f64 = 0.95;
/// The number of connections for that ratio.
const RATIO_CLIENTS: u32 = 8;
/// The highest p50 of a checkout, with Stripe at 500 ms.
const MAX_P50_MS: f64 = 515.0;
/// The most clients for which that holds.
const P50_CLIENTS: u32 = 32;
/// The lowest share of Stripe's limit that must become sessions.
const MIN_SHARE: f64 = 0.95;
/// How much more than the empty function a process may grow in the second half of a soak:
/// some pages, as an allocator takes them.
const MAX_GROWTH_KIB: f64 = 256.0;
/// How many descriptors a process may gain in that time.
const MAX_DESCRIPTORS: f64 = 1.0;

/// Returns the bars of the scenarios that were run.
pub(super) fn bars(results: &LoadResults) -> Vec<Bar> {
    let steps = results.availability.iter().flat_map(|availability| &availability.steps);
    let at_ratio_clients = steps.filter(|step| step.availability.clients == RATIO_CLIENTS);
    let mut bars: Vec<Bar> = at_ratio_clients.map(throughput).collect();
    bars.extend(results.checkout.iter().flat_map(checkout));
    bars.extend(results.limit.iter().flat_map(limit));
    bars.extend(results.crowd.iter().flat_map(crowd));
    bars.extend(results.soak.iter().flat_map(soak));
    bars
}

fn throughput(step: &AvailabilityStep) -> Bar {
    Bar {
        what: format!("availability at {RATIO_CLIENTS} connections, requests/s"),
        limit: format!("at least {MIN_RATIO:.2} × the empty function's"),
        measured: format!("{:.2} ×", step.throughput_ratio),
        is_met: step.throughput_ratio >= MIN_RATIO,
        reason: "the bill, as for the warm p50 of one process",
    }
}

fn checkout(checkout: &CheckoutResults) -> Vec<Bar> {
    let steps = checkout.steps.iter().filter(|step| step.clients <= P50_CLIENTS);
    let bars = steps.map(|step| {
        let others = step.answers.iter().filter(|answer| answer.status != Some(201));
        let others: u64 = others.map(|answer| answer.count).sum();
        let p50 = step.latency.p50_ms;
        Bar {
            what: format!("checkout, {} clients, p50", step.clients),
            limit: format!("at most {MAX_P50_MS:.0} ms, all answers 201, a container per client"),
            measured: format!(
                "{p50:.1} ms, {others} other answers, {} containers",
                step.containers
            ),
            is_met: p50 <= MAX_P50_MS && others == 0 && step.containers >= step.clients,
            reason: "a visitor who waits for the payment page: nearly all of it is Stripe",
        }
    });
    bars.collect()
}

fn limit(limit: &LimitResults) -> Vec<Bar> {
    let internal = limit.answers.iter().filter(|answer| answer.status == Some(500));
    let internal: u64 = internal.map(|answer| answer.count).sum();
    vec![
        Bar {
            what: "checkout beyond Stripe's limit, sessions".to_owned(),
            limit: format!("at least {:.0} % of the limit", MIN_SHARE * 100.0),
            measured: format!("{:.1} %", limit.share_of_limit * 100.0),
            is_met: limit.share_of_limit >= MIN_SHARE,
            reason: "a salon in a rush: retries must not waste what Stripe allows",
        },
        Bar {
            what: "checkout beyond Stripe's limit, other answers".to_owned(),
            limit: "429 or 503 with Retry-After, no 500".to_owned(),
            measured: format!("{} others, {internal} × 500", limit.answers_without_next_step),
            is_met: limit.answers_without_next_step == 0 && internal == 0,
            reason: "a visitor who has to know when to come back",
        },
        audit("checkout beyond Stripe's limit, audit", &limit.audit),
    ]
}

fn crowd(crowd: &CrowdResults) -> Vec<Bar> {
    let holds = crowd.audit.holds;
    vec![
        Bar {
            what: "crowd, answers".to_owned(),
            limit: "no 5xx except stripe_busy".to_owned(),
            measured: format!("{} others", crowd.failures),
            is_met: crowd.failures == 0,
            reason: "a visitor on the day when the salon's times go on sale",
        },
        Bar {
            what: "crowd, holds".to_owned(),
            limit: "at least one, and no more than visitors who were told of theirs".to_owned(),
            measured: format!("{} booked, {} put off, {holds} holds", crowd.booked, crowd.put_off),
            is_met: crowd.booked > 0 && crowd.booked + crowd.put_off >= holds,
            reason: "the salon, whose chairs stay empty behind a hold that nobody can pay",
        },
        audit("crowd, audit", &crowd.audit),
    ]
}

fn audit(what: &str, audit: &AuditResults) -> Bar {
    let AuditResults {
        holds,
        holds_lost,
        holds_unexplained,
        duplicate_sessions,
        sessions_without_hold,
        overlaps,
    } = *audit;
    Bar {
        what: what.to_owned(),
        limit: "no hold lost, no duplicate session, no overlap".to_owned(),
        measured: format!(
            "{holds} holds: {holds_lost} lost, {holds_unexplained} unexplained, \
             {duplicate_sessions} with two sessions, {overlaps} overlaps; \
             {sessions_without_hold} sessions without a hold"
        ),
        is_met: [
            holds_lost,
            holds_unexplained,
            duplicate_sessions,
            sessions_without_hold,
            overlaps,
        ] == [0; 5],
        reason: "everyone: a paid time must not be sold twice",
    }
}

/// Judges each function by the process that grew most.
fn soak(soak: &SoakResults) -> Vec<Bar> {
    let half = soak.duration_seconds / 2.0;
    let of = |function: &'static str| {
        soak.processes.iter().filter(move |process| process.function == function)
    };
    // What the runtime itself keeps of each request, the empty function keeps, too.
    let runtime = of(EMPTY).map(|process| process.growth_bytes_per_request).fold(0.0, f64::max);
    let bars = ["availability", "checkout"].map(|function| {
        let growth = of(function)
            .map(|process| growth_beyond_runtime_kib(process, half, runtime))
            .fold(f64::NEG_INFINITY, f64::max);
        let descriptors = of(function)
            .map(|process| process.descriptors_per_minute * half / 60.0)
            .fold(f64::NEG_INFINITY, f64::max);
        [
            Bar {
                what: format!("soak, memory of {function} in the second half"),
                limit: format!("at most {MAX_GROWTH_KIB:.0} KiB more than the empty function"),
                measured: format!(
                    "{growth:.0} KiB more; the empty function keeps {runtime:.0} bytes per request"
                ),
                is_met: growth.is_finite() && growth <= MAX_GROWTH_KIB,
                reason: "a container that lives for hours",
            },
            Bar {
                what: format!("soak, descriptors of {function} in the second half"),
                limit: format!("less than {MAX_DESCRIPTORS:.0} more"),
                measured: format!("{descriptors:.2} more"),
                is_met: descriptors.is_finite() && descriptors < MAX_DESCRIPTORS,
                reason: "as above: Lambda allows 1,024",
            },
        ]
    });
    bars.into_iter().flatten().collect()
}

/// Returns how much a process has grown in `half` seconds beyond what the runtime keeps.
#[expect(clippy::cast_precision_loss, reason = "a soak has far fewer than 2^52 requests")]
fn growth_beyond_runtime_kib(process: &ProcessGrowth, half: f64, runtime: f64) -> f64 {
    let expected = runtime * process.requests_in_second_half as f64;
    (process.growth_bytes_per_second * half - expected) / 1_024.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::load_results::{AnswerCount, Latency, Step};

    fn step(clients: u32, p50_ms: f64, status: u16) -> Step {
        Step {
            clients,
            containers: clients,
            duration_seconds: 1.0,
            requests: 10,
            requests_per_second: 10.0,
            latency: Latency { p50_ms, ..Latency::default() },
            answers: vec![AnswerCount { status: Some(status), code: None, count: 10 }],
        }
    }

    fn are_met(bars: &[Bar]) -> Vec<bool> {
        bars.iter().map(|bar| bar.is_met).collect()
    }

    #[test]
    fn throughput_is_compared_with_the_empty_function() {
        for (throughput_ratio, expected) in [(0.951, true), (0.95, true), (0.949, false)] {
            let (availability, empty) = (step(8, 1.0, 200), step(8, 1.0, 200));
            let step = AvailabilityStep { availability, empty, throughput_ratio };
            assert_eq!(throughput(&step).is_met, expected, "{throughput_ratio}");
        }
    }

    #[test]
    fn checkout_is_judged_up_to_32_clients() {
        let too_few_containers = Step { containers: 7, ..step(8, 500.0, 201) };
        let steps = vec![
            step(1, 515.0, 201),
            step(2, 515.1, 201),
            step(4, 500.0, 503),
            too_few_containers,
            step(64, 900.0, 201),
        ];
        let bars = checkout(&CheckoutResults { stripe_latency_ms: 500, steps });
        assert_eq!(are_met(&bars), [true, false, false, false]);
    }

    #[test]
    fn beyond_the_limit_each_promise_counts() {
        let good = LimitResults {
            stripe_limit_per_second: 25,
            stripe_latency_ms: 500,
            offered_per_second: 100,
            duration_seconds: 60.0,
            offered: 6_000,
            turned_away: 0,
            in_flight_limit: 96,
            containers: 96,
            latency: Latency::default(),
            session_latency: Latency::default(),
            answers: vec![AnswerCount { status: Some(503), code: None, count: 3 }],
            answers_without_next_step: 0,
            stripe_requests: 6_000,
            sessions: 1_500,
            share_of_limit: 1.0,
            sessions_by_second: Vec::new(),
            audit: AuditResults { holds: 10, ..AuditResults::default() },
        };
        assert_eq!(are_met(&limit(&good)), [true, true, true]);
        let few_sessions = LimitResults { share_of_limit: 0.94, ..good.clone() };
        assert_eq!(are_met(&limit(&few_sessions)), [false, true, true]);
        let no_next_step = LimitResults { answers_without_next_step: 1, ..good.clone() };
        assert_eq!(are_met(&limit(&no_next_step)), [true, false, true]);
        let lost = AuditResults { holds_lost: 1, ..good.audit };
        assert_eq!(are_met(&limit(&LimitResults { audit: lost, ..good })), [true, true, false]);
    }

    #[test]
    fn a_crowd_fails_with_another_5xx_with_an_overlap_and_without_a_booking() {
        let good = CrowdResults {
            visitors: 500,
            date: "2026-11-28".to_owned(),
            starts_shown: 28,
            in_flight_limit: 64,
            duration_seconds: 9.0,
            page_latency: Latency::default(),
            page_answers: Vec::new(),
            checkout_latency: Latency::default(),
            checkout_answers: Vec::new(),
            booked: 11,
            left_without: 489,
            put_off: 0,
            failures: 0,
            audit: AuditResults { holds: 11, ..AuditResults::default() },
        };
        assert_eq!(are_met(&crowd(&good)), [true, true, true]);
        let failing = CrowdResults { failures: 1, ..good.clone() };
        assert_eq!(are_met(&crowd(&failing)), [false, true, true]);
        let idle = CrowdResults { booked: 0, audit: AuditResults::default(), ..good.clone() };
        assert_eq!(are_met(&crowd(&idle)), [true, false, true]);
        let overlapping = AuditResults { overlaps: 1, ..good.audit };
        let overlapping = CrowdResults { audit: overlapping, ..good };
        assert_eq!(are_met(&crowd(&overlapping)), [true, true, false]);
    }

    #[test]
    fn growth_is_judged_beyond_the_runtimes_and_by_the_process_that_grows_most() {
        let process = |function: &str, bytes_per_second: f64, descriptors: f64| ProcessGrowth {
            function: function.to_owned(),
            requests_in_second_half: 30_000,
            growth_bytes_per_second: bytes_per_second,
            growth_bytes_per_request: bytes_per_second * 300.0 / 30_000.0,
            descriptors_per_minute: descriptors,
            ..ProcessGrowth::default()
        };
        let judge = |availability: &[ProcessGrowth]| {
            let mut processes = vec![process(EMPTY, 14_500.0, 0.0), process("checkout", 0.0, 0.0)];
            processes.extend_from_slice(availability);
            let load = BTreeMap::new();
            are_met(&soak(&SoakResults { duration_seconds: 600.0, load, processes }))
        };
        assert_eq!(judge(&[process("availability", 15_000.0, 0.0)]), [true, true, true, true]);
        let leaking = process("availability", 16_000.0, 0.5);
        let steady = process("availability", 14_500.0, 0.0);
        assert_eq!(judge(&[steady, leaking]), [false, false, true, true]);
        // A function without a process did not pass.
        assert_eq!(judge(&[]), [false, false, true, true]);
    }
}
