//! The results of `cargo dev bench` as Markdown, and their bars.

use super::bench_results::{BenchResults, Figure, Target};
use crate::bar::{self, Bar};
use crate::markdown;
use crate::statistics::median;

/// Changes below this share are not reported.
const SMALLEST_CHANGE: f64 = 0.005;

const TIMES: [(&str, Figure, usize); 6] = [
    ("start to first poll, ms", Figure::StartToFirstPollMs, 1),
    ("start to first response, ms", Figure::StartToFirstResponseMs, 1),
    ("warm p50, µs", Figure::WarmP50Us, 0),
    ("p99, µs", Figure::WarmP99Us, 0),
    ("p99.9, µs", Figure::WarmP999Us, 0),
    ("requests/s", Figure::WarmRequestsPerSecond, 0),
];
const SIZES: [(&str, Figure, usize); 4] = [
    ("peak memory, MB", Figure::PeakMemoryMb, 1),
    ("program, MB", Figure::ProgramMb, 1),
    ("zip, MB", Figure::ZipMb, 1),
    ("allocations per request", Figure::Allocations, 0),
];

/// Writes the tables and the bars.
pub(super) fn report(results: &BenchResults) -> String {
    let plan = results.plan;
    let server: Vec<f64> = results.server.iter().map(|warm| warm.p50_us).collect();
    format!(
        "{}\n{}\n{}\nMedians of {} runs of {} warm requests; in parentheses, the median of the \
         ratios to the empty function of the same run. Of each warm p50, {:.0} µs are the \
         Runtime API server's.\n\n{}",
        results.machine.summary(),
        table(results, TIMES),
        table(results, SIZES),
        plan.runs,
        plan.requests,
        median(&server),
        bar::table(&bars(results)),
    )
}

fn table<const N: usize>(results: &BenchResults, columns: [(&str, Figure, usize); N]) -> String {
    let cell = |target: Target, figure, decimals: usize| {
        let Some(spread) = results.target(target).and_then(|it| it.spread(figure)) else {
            return "–".to_owned();
        };
        let value = format!("{:.decimals$}", spread.median);
        match results.ratio(target, figure).filter(|_| target != Target::Empty) {
            Some(ratio) => format!("{value} ({:.2} ×)", ratio.median),
            None => value,
        }
    };
    let mut lines = vec![
        format!("| target | {} |", columns.map(|(heading, _, _)| heading).join(" | ")),
        format!("|---|{}", "---:|".repeat(N)),
    ];
    lines.extend(results.targets.iter().map(|results| {
        let cells = columns.map(|(_, figure, decimals)| cell(results.target, figure, decimals));
        format!("| `{}` | {} |", results.target.name(), cells.join(" | "))
    }));
    lines.join("\n") + "\n"
}

/// Returns the bars of what was measured.
pub(super) fn bars(results: &BenchResults) -> Vec<Bar> {
    let ratio = |target, figure| results.ratio(target, figure).map(|spread| spread.median);
    let value = |target, figure| Some(results.target(target)?.spread(figure)?.median);
    let highest = |program, figure| {
        let targets = results.targets.iter().filter(|it| it.target.program() == program);
        let medians = targets.filter_map(|it| it.spread(figure)).map(|spread| spread.median);
        medians.max_by(f64::total_cmp)
    };
    let cached = Target::AvailabilityL1;
    let bars = [
        at_most(
            "availability answered from the container, warm p50",
            1.10,
            " ×",
            ratio(cached, Figure::WarmP50Us),
            "the bill: at 256 MB a cached answer must stay within one billed millisecond; \
             no visitor feels 0.1 ms",
        ),
        at_most(
            "availability, start to first poll",
            4.0,
            " ×",
            ratio(cached, Figure::StartToFirstPollMs),
            "the first visitor after a quiet time, who waits for a cold start",
        ),
        at_most(
            "availability, start to first response, calendars in the table",
            15.0,
            " ms",
            value(Target::AvailabilityL2, Figure::StartToFirstResponseMs),
            "the first visitor after a quiet time",
        ),
        at_most(
            "checkout, start to first poll",
            5.0,
            " ×",
            ratio(Target::CheckoutBody, Figure::StartToFirstPollMs),
            "on a quiet site nearly every checkout is a cold start",
        ),
        at_most(
            "availability answered from the container, allocations inside `handle`",
            12.0,
            "",
            value(cached, Figure::Allocations),
            "developers: more of them means that a cached body is copied or computed again",
        ),
        at_most(
            "availability, peak memory",
            14.0,
            " MB",
            highest("availability", Figure::PeakMemoryMb),
            "developers: 256 MB are paid for their CPU, so this only shows that nothing grows",
        ),
        at_most(
            "checkout, peak memory",
            18.0,
            " MB",
            highest("checkout", Figure::PeakMemoryMb),
            "as above",
        ),
        at_most(
            "availability, zip",
            3.5,
            " MB",
            highest("availability", Figure::ZipMb),
            "cold starts: every new container loads it",
        ),
        at_most("checkout, zip", 5.0, " MB", highest("checkout", Figure::ZipMb), "as above"),
    ];
    bars.into_iter().flatten().collect()
}

fn at_most(
    what: &str,
    limit: f64,
    unit: &str,
    measured: Option<f64>,
    reason: &'static str,
) -> Option<Bar> {
    let measured = measured?;
    let decimals = match unit {
        "" => 0,
        " ×" => 2,
        _ => 1,
    };
    Some(Bar {
        what: what.to_owned(),
        limit: format!("at most {limit:.decimals$}{unit}"),
        measured: format!("{measured:.decimals$}{unit}"),
        is_met: measured <= limit,
        reason,
    })
}

/// Writes which ratios have changed, and whether by more than the runs differ from each
/// other.
pub(super) fn changes(before: &BenchResults, now: &BenchResults) -> String {
    let mut rows = Vec::new();
    for target in now.targets.iter().map(|results| results.target) {
        for (heading, figure, _) in TIMES.into_iter().chain(SIZES) {
            // Allocations are compared as they are: the empty function has none.
            let spread = |results: &BenchResults| match figure {
                Figure::Allocations => results.target(target)?.spread(figure),
                _ => results.ratio(target, figure),
            };
            let (Some(before), Some(now)) = (spread(before), spread(now)) else { continue };
            let change = now.median / before.median - 1.0;
            if change.abs() < SMALLEST_CHANGE {
                continue;
            }
            let noise = if before.is_apart_from(&now) { "beyond" } else { "within" };
            rows.push([
                format!("`{}`", target.name()),
                heading.to_owned(),
                format!("{:.2}", before.median),
                format!("{:.2}", now.median),
                format!("{:+.1} %, {noise} the spread of the runs", change * 100.0),
            ]);
        }
    }
    if rows.is_empty() {
        return "\nNo ratio to the empty function has changed.\n".to_owned();
    }
    let commit = &before.machine.commit;
    let headings = ["target", "ratio to the empty function", "before", "now", "change"];
    format!("\nChanges since {commit}:\n\n{}", markdown::words(headings, rows))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::bench_results::tests::sample;
    use super::*;
    use crate::results_file;

    #[test]
    fn the_committed_results_have_every_bar() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let results: BenchResults = results_file::load(&root, "bench.json").unwrap();
        assert_eq!(bars(&results).len(), 9);
        assert!(report(&results).contains("availability-l1"));
    }

    #[test]
    fn a_bar_is_met_at_its_limit_and_missed_beyond_it() {
        for (measured, expected) in [
            (Some(1.1), Some(true)),
            (Some(1.11), Some(false)),
            (Some(f64::NAN), Some(false)),
            (None, None),
        ] {
            let bar = at_most("a bar", 1.1, " ×", measured, "");
            assert_eq!(bar.map(|bar| bar.is_met), expected, "{measured:?}");
        }
    }

    #[test]
    fn a_change_is_compared_with_the_spread_of_the_runs() {
        let before = sample([10.0; 3], [20.0, 21.0, 22.0]);
        for (latencies, expected) in [
            ([10.0, 11.0, 12.0], "beyond the spread"),
            ([19.0, 20.0, 25.0], "within the spread"),
            ([20.0, 21.0, 22.0], "No ratio"),
        ] {
            let text = changes(&before, &sample([10.0; 3], latencies));
            assert!(text.contains(expected), "{latencies:?}: {text}");
        }
    }

    #[test]
    fn a_table_has_a_row_per_target_and_a_dash_where_nothing_was_measured() {
        let text = table(&sample([10.0; 3], [11.0; 3]), SIZES);
        let row = text.lines().find(|row| row.starts_with("| `availability-l1`")).unwrap();
        assert!(row.ends_with("| – |"), "{text}");
        let text = table(&sample([10.0; 3], [11.0; 3]), TIMES);
        assert!(text.contains("11 (1.10 ×)"), "{text}");
    }
}
