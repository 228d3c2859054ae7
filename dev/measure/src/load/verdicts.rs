//! What a load test has to show, and what it shows.

use super::EMPTY;
use super::results::{
    Accounts, AvailabilityStep, CheckoutResults, CrowdResults, LimitResults, LoadResults,
    ProcessTimeline, SoakResults,
};

/// Requests/s of availability over those of the empty function, at least, with as
/// many connections.
const LEAST_RATIO: f64 = 0.95;
const RATIO_AT: u32 = 8;
/// How long half of the checkouts may take, in milliseconds, up to as many clients.
const LONGEST_P50_MS: f64 = 515.0;
const P50_UP_TO: u32 = 32;
/// How much of Stripe's limit becomes sessions, at least.
const LEAST_SHARE: f64 = 0.95;
/// How much a process may grow in the second half of a soak, in KiB, beyond what the
/// empty function grows by as many requests: some pages, as an allocator has them.
const MOST_GROWTH_KIB: f64 = 256.0;
/// By how many descriptors in that time.
const MOST_DESCRIPTORS: f64 = 1.0;

/// Whether something is as it has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was measured.
    pub what: String,
    /// What it has to be.
    pub bar: String,
    /// What it is.
    pub measured: String,
    /// Whether that is enough.
    pub is_met: bool,
}

/// Judges what was measured. What was not is not judged.
#[must_use]
pub fn verdicts(results: &LoadResults) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let steps = results.availability.iter().flat_map(|availability| &availability.steps);
    verdicts.extend(steps.filter(|step| step.availability.clients == RATIO_AT).map(throughput));
    verdicts.extend(results.checkout.iter().flat_map(latency));
    verdicts.extend(results.limit.iter().flat_map(limit));
    verdicts.extend(results.crowd.iter().flat_map(crowd));
    verdicts.extend(results.soak.iter().flat_map(soak));
    verdicts
}

fn throughput(step: &AvailabilityStep) -> Verdict {
    Verdict {
        what: format!("availability at {RATIO_AT} connections, requests/s"),
        bar: format!("at least {LEAST_RATIO:.2} of the empty function's"),
        measured: format!("{:.2}", step.throughput_ratio),
        is_met: step.throughput_ratio >= LEAST_RATIO,
    }
}

fn latency(checkout: &CheckoutResults) -> Vec<Verdict> {
    let steps = checkout.steps.iter().filter(|step| step.clients <= P50_UP_TO);
    steps
        .map(|step| {
            let failed: u64 = step
                .answers
                .iter()
                .filter(|answer| answer.status != Some(201))
                .map(|answer| answer.count)
                .sum();
            Verdict {
                what: format!("checkout with a body, {} clients, p50", step.clients),
                bar: format!(
                    "at most {LONGEST_P50_MS:.0} ms, all of them 201, a container for each client"
                ),
                measured: format!(
                    "{:.1} ms, {failed} others, {} containers",
                    step.latency.p50_ms, step.containers
                ),
                is_met: step.latency.p50_ms <= LONGEST_P50_MS
                    && failed == 0
                    && step.containers >= step.clients,
            }
        })
        .collect()
}

fn limit(limit: &LimitResults) -> Vec<Verdict> {
    let internal = limit.answers.iter().filter(|answer| answer.status == Some(500));
    let internal: u64 = internal.map(|answer| answer.count).sum();
    vec![
        Verdict {
            what: "checkout beyond Stripe's limit, sessions".to_owned(),
            bar: format!("at least {:.0} % of the limit", LEAST_SHARE * 100.0),
            measured: format!("{:.1} %", limit.share_of_limit * 100.0),
            is_met: limit.share_of_limit >= LEAST_SHARE,
        },
        Verdict {
            what: "checkout beyond Stripe's limit, other answers".to_owned(),
            bar: "429 or 503 with Retry-After, none is 500".to_owned(),
            measured: format!("{} others, {internal} are 500", limit.answers_without_a_way_on),
            is_met: limit.answers_without_a_way_on == 0 && internal == 0,
        },
        books("checkout beyond Stripe's limit", &limit.accounts),
    ]
}

fn crowd(crowd: &CrowdResults) -> Vec<Verdict> {
    vec![
        Verdict {
            what: "crowd, answers".to_owned(),
            bar: "no 5xx but stripe_busy".to_owned(),
            measured: format!("{} others", crowd.failures),
            is_met: crowd.failures == 0,
        },
        Verdict {
            what: "crowd, holds".to_owned(),
            bar: "one a visitor who was told so, and at least one".to_owned(),
            measured: format!(
                "{} booked, {} put off, {} holds",
                crowd.booked, crowd.put_off, crowd.accounts.holds
            ),
            is_met: crowd.booked > 0 && crowd.booked + crowd.put_off >= crowd.accounts.holds,
        },
        books("crowd", &crowd.accounts),
    ]
}

fn books(what: &str, accounts: &Accounts) -> Verdict {
    let Accounts {
        holds,
        holds_lost,
        holds_unaccounted,
        sessions_twice,
        sessions_without_hold,
        overlaps,
    } = *accounts;
    Verdict {
        what: format!("{what}, books"),
        bar: "no hold lost, no session twice, no overlap".to_owned(),
        measured: format!(
            "{holds} holds: {holds_lost} lost, {holds_unaccounted} of nobody, \
             {sessions_twice} with two sessions, {overlaps} overlap; \
             {sessions_without_hold} sessions without a hold"
        ),
        is_met: [holds_lost, holds_unaccounted, sessions_twice, sessions_without_hold, overlaps]
            == [0; 5],
    }
}

/// Judges each function by its process that grows most.
fn soak(soak: &SoakResults) -> Vec<Verdict> {
    let half = soak.duration_seconds / 2.0;
    let of =
        |name: &'static str| soak.processes.iter().filter(move |process| process.function == name);
    // What the runtime itself keeps of each request is in the empty function, too.
    let runtimes = of(EMPTY).map(|process| process.growth_bytes_per_request).fold(0.0, f64::max);
    let mut verdicts = Vec::new();
    for function in ["availability", "checkout"] {
        let beyond = of(function)
            .map(|process| beyond_kib(process, half, runtimes))
            .fold(f64::NEG_INFINITY, f64::max);
        let descriptors = of(function)
            .map(|process| process.descriptors_per_minute * half / 60.0)
            .fold(f64::NEG_INFINITY, f64::max);
        verdicts.push(Verdict {
            what: format!("soak, memory of {function} in the second half"),
            bar: format!("at most {MOST_GROWTH_KIB:.0} KiB more than the empty function's"),
            measured: format!(
                "{beyond:.0} KiB more; the empty function keeps {runtimes:.0} bytes a request"
            ),
            is_met: beyond.is_finite() && beyond <= MOST_GROWTH_KIB,
        });
        verdicts.push(Verdict {
            what: format!("soak, descriptors of {function} in the second half"),
            bar: format!("less than {MOST_DESCRIPTORS:.0} more"),
            measured: format!("{descriptors:.2} more"),
            is_met: descriptors.is_finite() && descriptors < MOST_DESCRIPTORS,
        });
    }
    verdicts
}

/// How much a process has grown in `half` seconds beyond what the runtime keeps.
#[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 requests")]
fn beyond_kib(process: &ProcessTimeline, half: f64, runtimes: f64) -> f64 {
    let expected = runtimes * process.requests_in_second_half as f64;
    (process.growth_bytes_per_second * half - expected) / 1_024.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::results::{AnswerCount, Latency, Step};

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

    fn met(verdicts: &[Verdict]) -> Vec<bool> {
        verdicts.iter().map(|verdict| verdict.is_met).collect()
    }

    #[test]
    fn throughput_is_compared_with_the_empty_function() {
        for (throughput_ratio, expected) in [(0.951, true), (0.95, true), (0.949, false)] {
            let step = AvailabilityStep {
                availability: step(8, 1.0, 200),
                empty: step(8, 1.0, 200),
                throughput_ratio,
            };
            assert_eq!(throughput(&step).is_met, expected, "{throughput_ratio}");
        }
    }

    #[test]
    fn checkout_is_judged_up_to_32_clients() {
        let few = Step { containers: 7, ..step(8, 500.0, 201) };
        let steps = vec![
            step(1, 515.0, 201),
            step(2, 515.1, 201),
            step(4, 500.0, 503),
            few,
            step(64, 900.0, 201),
        ];
        let verdicts = latency(&CheckoutResults { stripe_latency_ms: 500, steps });
        assert_eq!(met(&verdicts), [true, false, false, false]);
    }

    #[test]
    fn beyond_the_limit_each_promise_counts() {
        let fine = LimitResults {
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
            answers_without_a_way_on: 0,
            stripe_requests: 6_000,
            sessions: 1_500,
            share_of_limit: 1.0,
            sessions_by_second: Vec::new(),
            accounts: Accounts { holds: 10, ..Accounts::default() },
        };
        assert_eq!(met(&limit(&fine)), [true, true, true]);
        let few = LimitResults { share_of_limit: 0.94, ..fine.clone() };
        assert_eq!(met(&limit(&few)), [false, true, true]);
        let stranded = LimitResults { answers_without_a_way_on: 1, ..fine.clone() };
        assert_eq!(met(&limit(&stranded)), [true, false, true]);
        let lost = Accounts { holds_lost: 1, ..fine.accounts };
        assert_eq!(met(&limit(&LimitResults { accounts: lost, ..fine })), [true, true, false]);
    }

    #[test]
    fn a_crowd_fails_by_any_other_5xx_any_overlap_and_by_booking_nothing() {
        let fine = CrowdResults {
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
            accounts: Accounts { holds: 11, ..Accounts::default() },
        };
        assert_eq!(met(&crowd(&fine)), [true, true, true]);
        let failing = CrowdResults { failures: 1, ..fine.clone() };
        assert_eq!(met(&crowd(&failing)), [false, true, true]);
        let idle = CrowdResults { booked: 0, accounts: Accounts::default(), ..fine.clone() };
        assert_eq!(met(&crowd(&idle)), [true, false, true]);
        let overlapping = Accounts { overlaps: 1, ..fine.accounts };
        assert_eq!(
            met(&crowd(&CrowdResults { accounts: overlapping, ..fine })),
            [true, true, false]
        );
    }

    fn process(function: &str, bytes_per_second: f64, descriptors: f64) -> ProcessTimeline {
        ProcessTimeline {
            function: function.to_owned(),
            pid: 1,
            requests_in_second_half: 30_000,
            growth_bytes_per_second: bytes_per_second,
            growth_bytes_per_request: bytes_per_second * 300.0 / 30_000.0,
            descriptors_per_minute: descriptors,
            samples: Vec::new(),
        }
    }

    #[test]
    fn growth_is_judged_beyond_the_runtimes_own_and_by_the_process_that_grows_most() {
        let judge = |processes| {
            let soak_of = SoakResults { duration_seconds: 600.0, load: BTreeMap::new(), processes };
            met(&soak(&soak_of))
        };
        let empty = || process(EMPTY, 14_500.0, 0.0);
        let checkout = || process("checkout", 0.0, 0.0);
        assert_eq!(
            judge(vec![empty(), checkout(), process("availability", 15_000.0, 0.0)]),
            [true, true, true, true]
        );
        assert_eq!(
            judge(vec![
                empty(),
                checkout(),
                process("availability", 14_500.0, 0.0),
                process("availability", 16_000.0, 0.5),
            ]),
            [false, false, true, true]
        );
        // A function of which nothing was seen is not flat.
        assert_eq!(judge(vec![empty(), checkout()]), [false, false, true, true]);
    }
}
