//! The plots of the document.

use super::figures::exact;
use super::plot::{Axis, Color, Line, Plot, Scale};
use crate::fleet::{Fleet, Function, Row};
use crate::load::results::{LoadResults, SoakResults, Step};

/// A plot, and the name of its file.
pub(super) type Named = (&'static str, Plot);

const CONNECTIONS: Axis = Axis { name: "connections", scale: Scale::Doublings };
const VISITS: Axis = Axis { name: "visits a day", scale: Scale::Decades };

/// Makes the plots of what a load test has measured.
pub(super) fn of_load(load: &LoadResults) -> Vec<Named> {
    let mut plots = Vec::new();
    if let Some(availability) = &load.availability {
        let line = |of: fn(&Step) -> f64, is_empty: bool| {
            let steps = availability.steps.iter();
            let steps =
                steps.map(move |step| if is_empty { &step.empty } else { &step.availability });
            steps.map(|step| (f64::from(step.clients), of(step))).collect::<Vec<_>>()
        };
        plots.push((
            "availability-throughput.svg",
            Plot {
                title: "Availability, answered by the container: throughput".to_owned(),
                x: CONNECTIONS,
                y: Axis { name: "requests/s", scale: Scale::Linear },
                lines: vec![
                    Line::new(
                        "availability",
                        Color::Blue,
                        line(|it| it.requests_per_second, false),
                    ),
                    Line::new(
                        "empty function",
                        Color::Orange,
                        line(|it| it.requests_per_second, true),
                    ),
                ],
            },
        ));
        plots.push((
            "availability-latency.svg",
            Plot {
                title: "Availability, answered by the container: latency".to_owned(),
                x: CONNECTIONS,
                y: Axis { name: "ms", scale: Scale::Decades },
                lines: vec![
                    Line::new("availability p50", Color::Blue, line(|it| it.latency.p50_ms, false)),
                    Line::dashed(
                        "availability p99",
                        Color::Blue,
                        line(|it| it.latency.p99_ms, false),
                    ),
                    Line::new("empty p50", Color::Orange, line(|it| it.latency.p50_ms, true)),
                    Line::dashed("empty p99", Color::Orange, line(|it| it.latency.p99_ms, true)),
                ],
            },
        ));
    }
    if let Some(checkout) = &load.checkout {
        let line = |of: fn(&Step) -> f64| {
            checkout
                .steps
                .iter()
                .map(|step| (f64::from(step.clients), of(step)))
                .collect::<Vec<_>>()
        };
        let bar = line(|_| 515.0).into_iter().filter(|(clients, _)| *clients <= 32.0).collect();
        plots.push((
            "checkout-latency.svg",
            Plot {
                title: format!("Checkout with a body, Stripe at {} ms", checkout.stripe_latency_ms),
                x: Axis { name: "clients", scale: Scale::Doublings },
                y: Axis { name: "ms", scale: Scale::Linear },
                lines: vec![
                    Line::new("p50", Color::Blue, line(|it| it.latency.p50_ms)),
                    Line::new("p99", Color::Orange, line(|it| it.latency.p99_ms)),
                    Line::dashed("bar for p50: 515 ms", Color::Grey, bar),
                ],
            },
        ));
    }
    if let Some(limit) = &load.limit {
        let sessions: Vec<(f64, f64)> = (0..)
            .map(f64::from)
            .zip(limit.sessions_by_second.iter().map(|it| exact(*it)))
            .collect();
        let last = sessions.last().map_or(0.0, |(second, _)| *second);
        let level = |rate: u32| [0.0, last].map(|second| (second, f64::from(rate))).to_vec();
        plots.push((
            "stripe-limit.svg",
            Plot {
                title: "Checkout beyond Stripe's limit".to_owned(),
                x: Axis { name: "s", scale: Scale::Linear },
                y: Axis { name: "sessions a second", scale: Scale::Linear },
                lines: vec![
                    Line::new("sessions opened", Color::Blue, sessions),
                    Line::dashed(
                        "Stripe's limit",
                        Color::Orange,
                        level(limit.stripe_limit_per_second),
                    ),
                ],
            },
        ));
    }
    if let Some(soak) = &load.soak {
        plots.push(("soak-memory.svg", soak_memory(soak)));
    }
    plots
}

fn soak_memory(soak: &SoakResults) -> Plot {
    let colors = [Color::Blue, Color::Orange, Color::Green, Color::Purple];
    let mut functions: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for process in &soak.processes {
        let known = functions.iter().position(|function| *function == process.function);
        // One name for all processes of a function.
        let (place, name) = known.map_or((functions.len(), &*process.function), |at| (at, ""));
        if known.is_none() {
            functions.push(&process.function);
        }
        let samples = process.samples.iter();
        let points =
            samples.map(|it| (it.at_seconds / 60.0, exact(it.resident_bytes) / 1e6)).collect();
        lines.push(Line::new(name, colors[place % colors.len()], points));
    }
    Plot {
        title: "Soak: resident memory of each process".to_owned(),
        x: Axis { name: "minutes", scale: Scale::Linear },
        y: Axis { name: "MB", scale: Scale::Linear },
        lines,
    }
}

/// Makes the plots of the model.
pub(super) fn of_fleet(fleet: &Fleet) -> Vec<Named> {
    let line = |of: &dyn Fn(&Row) -> f64| {
        fleet.rows.iter().map(|row| (row.visits, of(row))).collect::<Vec<_>>()
    };
    let colors = [Color::Blue, Color::Orange, Color::Green];
    let mut containers = Vec::new();
    for (place, function) in Function::ALL.into_iter().enumerate() {
        let is = line(&|row| f64::from(row.containers[place]));
        let on_paper = line(&|row| f64::from(row.paper.containers[place]));
        containers.push(Line::new(function.name(), colors[place], is));
        containers.push(Line::dashed("", colors[place], on_paper));
    }
    let percent = |share: f64| share * 100.0;
    vec![
        (
            "fleet-containers.svg",
            Plot {
                title: "Containers in the busiest hour; dashed: on paper".to_owned(),
                x: VISITS,
                y: Axis { name: "containers", scale: Scale::Decades },
                lines: containers,
            },
        ),
        (
            "fleet-caches.svg",
            Plot {
                title: "Answered out of a cache, and cold starts".to_owned(),
                x: VISITS,
                y: Axis { name: "%", scale: Scale::Linear },
                lines: vec![
                    Line::new("container (L1)", Color::Blue, line(&|row| percent(row.l1_share))),
                    Line::dashed("on paper", Color::Blue, line(&|row| percent(row.paper.l1_share))),
                    Line::new("table (L2)", Color::Green, line(&|row| percent(row.l2_share))),
                    Line::new("cold starts", Color::Orange, line(&|row| percent(row.cold_share))),
                ],
            },
        ),
        (
            "fleet-cost.svg",
            Plot {
                title: "What a month costs".to_owned(),
                x: VISITS,
                y: Axis { name: "$", scale: Scale::Decades },
                lines: vec![
                    Line::new("list prices", Color::Blue, line(&|row| row.bill.dollars())),
                    Line::dashed(
                        "after the free tier",
                        Color::Green,
                        line(&|row| row.bill.dollars_after_free_tier()),
                    ),
                ],
            },
        ),
    ]
}
