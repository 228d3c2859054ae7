//! The results as a person reads them.

use std::fmt::Write as _;

use super::results::{Figure, Measured, Results, Target};
use super::statistics::Spread;

/// What changed less than this is not worth a line, in parts of one.
const WORTH_A_LINE: f64 = 0.005;

impl Figure {
    /// Returns the heading of its column.
    const fn heading(self) -> &'static str {
        match self {
            Self::StartToFirstPollMs => "poll ms",
            Self::StartToFirstResponseMs => "resp ms",
            Self::WarmP50Us => "p50 µs",
            Self::WarmP99Us => "p99 µs",
            Self::WarmP999Us => "p99.9 µs",
            Self::WarmRequestsPerSecond => "req/s",
            Self::PeakMemoryKib => "peak MiB",
            Self::BinaryBytes => "bin MB",
            Self::ZipBytes => "zip MB",
            Self::Allocations => "allocs",
        }
    }

    /// Whether each run has its own value.
    const fn is_of_runs(self) -> bool {
        !matches!(self, Self::BinaryBytes | Self::ZipBytes | Self::Allocations)
    }

    /// Writes a value in the unit of the heading.
    fn written(self, value: f64) -> String {
        match self {
            Self::StartToFirstPollMs | Self::StartToFirstResponseMs => format!("{value:.2}"),
            Self::WarmP50Us
            | Self::WarmP99Us
            | Self::WarmP999Us
            | Self::WarmRequestsPerSecond
            | Self::Allocations => format!("{value:.0}"),
            Self::PeakMemoryKib => format!("{:.1}", value / 1024.0),
            Self::BinaryBytes | Self::ZipBytes => format!("{:.2}", value / 1e6),
        }
    }
}

/// Writes the medians, the ratios, and what to know about them.
pub(super) fn of(results: &Results) -> String {
    let machine = &results.machine;
    let plan = results.plan;
    let mut text = format!(
        "{}, {} cores, {} MiB, Linux {}\n{}, commit {}, {}\n\n\
         medians of {} runs of {} warm requests (lowest and highest run: --json)\n",
        machine.cpu_model,
        machine.cores,
        machine.memory_mib,
        machine.kernel,
        machine.rustc,
        machine.commit,
        machine.measured_at,
        plan.runs,
        plan.requests,
    );
    table(&mut text, results, |measured, figure| {
        measured.figures.get(&figure).map(|spread| figure.written(spread.median))
    });
    text.push_str("\nratios to the empty function, each within one run: median\n");
    table(&mut text, results, |measured, figure| {
        measured.ratios.get(&figure).map(|spread| ratio(spread.median))
    });
    text.push('\n');
    for note in &results.notes {
        line(&mut text, format_args!("- {note}"));
    }
    text
}

fn table(text: &mut String, results: &Results, cell: impl Fn(&Measured, Figure) -> Option<String>) {
    let headings = Figure::ALL.map(|figure| format!("{:>9}", figure.heading())).concat();
    line(text, format_args!("{:18}{headings}", ""));
    for measured in &results.targets {
        let cells = Figure::ALL.map(|figure| {
            let cell = cell(measured, figure).unwrap_or_else(|| "-".to_owned());
            format!("{cell:>9}")
        });
        line(text, format_args!("{:18}{}", measured.target, cells.concat()));
    }
}

/// Writes how each ratio has changed, and whether by more than the runs differ
/// among themselves.
pub(super) fn changes(earlier: &Results, now: &Results) -> String {
    let mut text = format!(
        "\nratios to the empty function, then ({}) and now ({}):\n",
        earlier.machine.commit, now.machine.commit
    );
    let runs = earlier.plan.runs.min(now.plan.runs);
    let mut shown = 0;
    for measured in &now.targets {
        let Some(before) = earlier.of(measured.target) else { continue };
        for figure in Figure::ALL {
            // Allocations are counted, and have no ratio.
            let of = |measured: &Measured| {
                let spreads = if figure == Figure::Allocations {
                    &measured.figures
                } else {
                    &measured.ratios
                };
                spreads.get(&figure).copied()
            };
            let (Some(then), Some(now)) = (of(before), of(measured)) else { continue };
            let change = (now.median - then.median) / then.median;
            if change.is_finite() && change.abs() >= WORTH_A_LINE {
                shown += 1;
                line(&mut text, changed(measured.target, figure, (then, now, change), runs));
            }
        }
    }
    if shown == 0 {
        text.push_str("  nothing has changed\n");
    }
    if earlier.machine.cpu_model != now.machine.cpu_model {
        text.push_str("  the processors differ, so even ratios compare badly\n");
    }
    text
}

fn changed(
    target: Target,
    figure: Figure,
    (then, now, change): (Spread, Spread, f64),
    runs: usize,
) -> String {
    let judged = if runs < 2 && figure.is_of_runs() {
        "one run alone cannot tell"
    } else if then.is_apart_from(&now) {
        "beyond the spread of the runs"
    } else {
        "within the spread of the runs"
    };
    let (heading, change) = (figure.heading(), change * 100.0);
    let (then, now) = (ratio(then.median), ratio(now.median));
    format!("  {target:18}{heading:>9} {then:>9} {now:>9}  {change:+6.1} %  {judged}")
}

/// Writes a ratio with three digits that say something.
fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

/// Writes what one must know to read the figures.
pub(super) fn notes(results: &Results) -> Vec<String> {
    let alone: Vec<f64> = results.server.iter().map(|warm| warm.p50_us).collect();
    let mut notes = Vec::new();
    if let (Some(alone), Some(empty)) = (Spread::of(&alone), results.of(Target::Empty)) {
        let whole = empty.figures.get(&Figure::WarmP50Us).map_or(0.0, |spread| spread.median);
        notes.push(format!(
            "The Runtime API server alone, with a loop that polls and answers from memory: p50 {:.0} µs \
             of the empty function's {whole:.0} µs. It is in every warm figure.",
            alone.median
        ));
    }
    notes.extend(
        [
            "availability-l1 and -l2 find the table filled: a fresh reading of the calendar, and a \
             booking a day. Their start is the same: the first snapshot is taken in Init, from the table.",
            "availability-l2, warm: the function's library with a clock that jumps 61 s before each \
             request, as no snapshot of a deployed one is older than that twice a minute.",
            "availability-cold: an empty table, so Init reads the fake Google. Only the start is measured.",
            "checkout-body names a person with a day sheet of a few entries; every request is another \
             time, visitor, address and idempotency key. There are no calendars.",
            "webhook: each event is checkout.session.completed of a booking that is held, and confirms it.",
            "DynamoDB (dynoxide, in memory), Stripe and Google are in this process, on this machine's \
             cores: what they take is in the figures of all but empty and availability-l1.",
            "The table has no stream: dynoxide's makes each write the slower the more there have been.",
            "Allocations are counted in one process, and include those of the connections to the table \
             and to Stripe.",
        ]
        .map(str::to_owned),
    );
    if results.plan.requests < 1000 {
        notes.push(format!("Of {} requests, p99.9 is the slowest.", results.plan.requests));
    }
    notes
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::{Plan, Run, Warm};
    use crate::machine::Machine;

    fn results(commit: &str, empty: [f64; 3], availability: [f64; 3]) -> Results {
        let measured = |target, times: [f64; 3]| {
            let mut measured = Measured::new(target, 2_000_000, 1_000_000);
            measured.runs = times
                .map(|p50_us| Run {
                    start_to_first_poll_ms: 1.0,
                    start_to_first_response_ms: 2.0,
                    peak_memory_kib: 4096,
                    warm: Some(Warm {
                        requests: 10,
                        p50_us,
                        p99_us: 100.0,
                        p999_us: 100.0,
                        requests_per_second: 1000.0,
                    }),
                })
                .to_vec();
            measured
        };
        let mut results = Results {
            machine: Machine {
                cpu_model: "Abacus".to_owned(),
                cores: 2,
                memory_mib: 4096,
                kernel: "6".to_owned(),
                rustc: "rustc 1".to_owned(),
                commit: commit.to_owned(),
                measured_at: jiff::Timestamp::UNIX_EPOCH,
            },
            plan: Plan { runs: 3, requests: 10, quick: true },
            server: Vec::new(),
            targets: vec![
                measured(Target::Empty, empty),
                measured(Target::AvailabilityL1, availability),
            ],
            notes: Vec::new(),
        };
        results.summarize();
        results
    }

    fn ratio(results: &Results) -> Spread {
        results.of(Target::AvailabilityL1).unwrap().ratios[&Figure::WarmP50Us]
    }

    #[test]
    fn a_ratio_is_to_the_empty_function_in_the_same_run() {
        // The machine was slow in the last run, and that is not in the ratio.
        let results = results("a", [10.0, 10.0, 40.0], [11.0, 12.0, 52.0]);
        let ratio = ratio(&results);
        assert_eq!((ratio.lowest, ratio.median, ratio.highest), (1.1, 1.2, 1.3));
    }

    #[test]
    fn results_are_the_same_after_a_file() {
        let results = results("a", [10.0; 3], [11.0, 12.5, 13.0]);
        let json = crate::bench::json(&results);
        assert!(json.contains("\"startToFirstPollMs\""), "{json}");
        let read: Results = serde_json::from_str(&json).unwrap();
        assert_eq!(read, results);
    }

    #[test]
    fn a_change_is_told_with_whether_it_is_more_than_noise() {
        let before = results("before", [10.0; 3], [20.0, 21.0, 22.0]);
        for (times, expected) in [
            ([10.0, 11.0, 12.0], "beyond the spread"),
            ([19.0, 20.0, 25.0], "within the spread"),
            ([20.0, 21.0, 22.0], "nothing has changed"),
        ] {
            let text = changes(&before, &results("now", [10.0; 3], times));
            assert!(text.contains(expected), "{times:?}: {text}");
        }
    }

    #[test]
    fn tables_show_every_target_and_a_dash_for_what_was_not_measured() {
        let text = of(&results("a", [10.0; 3], [11.0; 3]));
        let rows: Vec<&str> =
            text.lines().filter(|row| row.starts_with("availability-l1")).collect();
        assert_eq!(rows.len(), 2, "{text}");
        assert!(rows[0].ends_with('-'), "no allocations were counted: {text}");
        assert!(rows[1].contains("1.10"), "{text}");
    }
}
