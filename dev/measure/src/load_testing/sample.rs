//! Results that nobody measured, for tests.

use std::collections::BTreeMap;

use crate::bench::results::{Figure, Measured, Plan, Results, Target, Warm};
use crate::bench::statistics::Spread;
use crate::load::results::{
    Accounts, AnswerCount, AvailabilityResults, AvailabilityStep, CheckoutResults, CrowdResults,
    Latency, LimitResults, LoadResults, ProcessSample, ProcessTimeline, SoakResults, Step,
};
use crate::machine::Machine;

/// A bench in which all bars are met.
pub(super) fn bench() -> Results {
    Results {
        machine: machine(),
        plan: Plan { runs: 5, requests: 2_000, quick: false },
        server: vec![Warm {
            requests: 2_000,
            p50_us: 31.0,
            p99_us: 60.0,
            p999_us: 90.0,
            requests_per_second: 30_000.0,
        }],
        targets: Target::ALL.map(target).into(),
        notes: vec!["A sample.".to_owned()],
    }
}

fn machine() -> Machine {
    Machine {
        cpu_model: "Sample CPU".to_owned(),
        cores: 2,
        memory_mib: 8_192,
        kernel: "6.1.0".to_owned(),
        rustc: "rustc 1.94.1".to_owned(),
        commit: "0123456789abcdef".to_owned(),
        measured_at: "2026-11-24T10:00:00Z".parse().unwrap(),
    }
}

fn target(target: Target) -> Measured {
    // First poll and response in ms, warm in µs, memory in KiB, zip in bytes, times
    // the empty function's.
    let times = match target {
        Target::Empty => [1.0; 5],
        Target::AvailabilityL1 => [3.5, 4.0, 1.08, 1.9, 2.6],
        Target::AvailabilityL2 | Target::AvailabilityCold => [3.5, 4.2, 9.0, 2.0, 2.6],
        Target::CheckoutBare | Target::CheckoutBody => [4.5, 8.0, 22.0, 2.4, 3.9],
        Target::Webhook => [4.4, 7.0, 12.0, 2.2, 3.6],
    };
    let empty = [1.1, 2.0, 92.0, 6_000.0, 1_200_000.0];
    let figures = [
        Figure::StartToFirstPollMs,
        Figure::StartToFirstResponseMs,
        Figure::WarmP50Us,
        Figure::PeakMemoryKib,
        Figure::ZipBytes,
    ];
    let spread = |value: f64| Spread { median: value, lowest: value * 0.9, highest: value * 1.2 };
    let each = || figures.into_iter().zip(times).zip(empty);
    let mut all: BTreeMap<Figure, Spread> =
        each().map(|((figure, times), empty)| (figure, spread(times * empty))).collect();
    if target == Target::AvailabilityL1 {
        all.insert(Figure::Allocations, spread(10.0));
    }
    Measured {
        target,
        binary_bytes: 4_000_000,
        zip_bytes: 2_000_000,
        allocations: Vec::new(),
        runs: Vec::new(),
        figures: all,
        ratios: each().map(|((figure, times), _)| (figure, spread(times))).collect(),
    }
}

/// A load test in which all bars are met.
pub(super) fn load() -> LoadResults {
    LoadResults {
        machine: machine(),
        is_quick: false,
        generator: "sample 1.0".to_owned(),
        availability: Some(AvailabilityResults {
            rounds: 3,
            steps: [1, 2, 4, 8, 16, 32, 64].map(availability_step).into(),
        }),
        checkout: Some(CheckoutResults {
            stripe_latency_ms: 500,
            steps: [1, 4, 16, 32, 64, 100].map(checkout_step).into(),
        }),
        limit: Some(limit()),
        crowd: Some(crowd()),
        soak: Some(soak()),
    }
}

fn availability_step(clients: u32) -> AvailabilityStep {
    let most = f64::from(clients.min(8)) * 330.0;
    AvailabilityStep {
        availability: step(clients, most * 0.97, 0.5 * f64::from(clients), (200, None)),
        empty: step(clients, most, 0.48 * f64::from(clients), (200, None)),
        throughput_ratio: 0.97,
    }
}

fn checkout_step(clients: u32) -> Step {
    let p50 = 506.0 + f64::from(clients) * 0.2;
    step(clients, f64::from(clients) * 1000.0 / p50, p50, (201, None))
}

fn step(clients: u32, requests_per_second: f64, p50_ms: f64, answer: (u16, Option<&str>)) -> Step {
    let (status, code) = answer;
    Step {
        clients,
        containers: clients,
        duration_seconds: 10.0,
        requests: 3_000,
        requests_per_second,
        latency: latency(p50_ms),
        answers: vec![answers(status, code, 3_000)],
    }
}

fn latency(p50_ms: f64) -> Latency {
    Latency {
        p50_ms,
        p90_ms: p50_ms * 1.2,
        p99_ms: p50_ms * 1.6,
        p999_ms: p50_ms * 2.0,
        max_ms: p50_ms * 3.0,
    }
}

fn answers(status: u16, code: Option<&str>, count: u64) -> AnswerCount {
    AnswerCount { status: Some(status), code: code.map(str::to_owned), count }
}

fn limit() -> LimitResults {
    LimitResults {
        stripe_limit_per_second: 25,
        stripe_latency_ms: 500,
        offered_per_second: 100,
        duration_seconds: 60.0,
        offered: 6_000,
        turned_away: 400,
        in_flight_limit: 100,
        containers: 100,
        latency: latency(900.0),
        session_latency: latency(700.0),
        answers: vec![answers(201, None, 1_480), answers(503, Some("stripe_busy"), 4_120)],
        answers_without_a_way_on: 0,
        stripe_requests: 6_100,
        sessions: 1_480,
        share_of_limit: 0.987,
        sessions_by_second: (0..60).map(|second| 24 + second % 3).collect(),
        accounts: Accounts { holds: 5_600, ..Accounts::default() },
    }
}

fn crowd() -> CrowdResults {
    CrowdResults {
        visitors: 500,
        date: "2026-11-28".to_owned(),
        starts_shown: 28,
        in_flight_limit: 50,
        duration_seconds: 9.0,
        page_latency: latency(30.0),
        page_answers: vec![answers(200, None, 500)],
        checkout_latency: latency(600.0),
        checkout_answers: vec![answers(409, Some("slot_taken"), 480), answers(201, None, 20)],
        booked: 20,
        left_without: 480,
        put_off: 0,
        failures: 0,
        accounts: Accounts { holds: 20, ..Accounts::default() },
    }
}

fn soak() -> SoakResults {
    let process = |(function, bytes): (&str, u64)| ProcessTimeline {
        function: function.to_owned(),
        pid: 1,
        requests_in_second_half: 90_000,
        growth_bytes_per_second: 10.0,
        growth_bytes_per_request: 0.03,
        descriptors_per_minute: 0.0,
        samples: (0..60_u32)
            .map(|look| ProcessSample {
                at_seconds: f64::from(look) * 10.0,
                resident_bytes: bytes + 1_000 * u64::from(look.min(20)),
                descriptors: 12,
            })
            .collect(),
    };
    let processes = [("empty", 6_000_000), ("availability", 11_000_000), ("checkout", 15_000_000)];
    SoakResults {
        duration_seconds: 600.0,
        load: BTreeMap::from([
            ("availability".to_owned(), step(2, 600.0, 1.0, (200, None))),
            ("checkout".to_owned(), step(1, 1.9, 507.0, (201, None))),
        ]),
        processes: processes.map(process).into(),
    }
}
