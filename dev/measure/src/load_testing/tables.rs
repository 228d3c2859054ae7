//! The tables of the document, as Markdown.

use std::collections::BTreeMap;

use super::bars::Bar;
use super::figures::{count, dollars, exact, large, number, percent};
use crate::bench::results::{Figure, Measured, Results, Warm};
use crate::fleet::{Asked, Bill, Fleet, Limit, MemorySize, OnLambda, Row};
use crate::load::results::{
    Accounts, AnswerCount, AvailabilityResults, CheckoutResults, SoakResults, Step,
};
use crate::machine::Machine;

/// Makes a table. The first column is words, and the others are figures.
fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    aligned(heads, "---:", rows)
}

/// Makes a table of words.
fn words<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    aligned(heads, "---", rows)
}

fn aligned<const N: usize>(
    heads: [&str; N],
    others: &str,
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let row = |cells: [String; N]| format!("| {} |", cells.join(" | ").replace('\n', " "));
    let mut rule = [others; N].map(str::to_owned);
    if let Some(first) = rule.first_mut() {
        "---".clone_into(first);
    }
    let mut lines = vec![row(heads.map(str::to_owned)), format!("|{}|", rule.join("|"))];
    lines.extend(rows.into_iter().map(row));
    lines.join("\n")
}

/// Of the bars, what was measured.
pub(super) fn bars(bars: &[Bar]) -> String {
    let rows = bars.iter().map(|bar| {
        [bar.what.clone(), bar.bound.clone(), bar.measured.clone(), bar.verdict.word().to_owned()]
    });
    words(["what", "bar", "measured", ""], rows)
}

/// What it was measured on, if anything was.
pub(super) fn machine(bench: Option<&Machine>, load: Option<&Machine>) -> Option<String> {
    bench.or(load)?;
    let row = |name: &str, of: &dyn Fn(&Machine) -> String| {
        let [bench, load] = [bench, load].map(|machine| machine.map_or_else(|| "—".to_owned(), of));
        [name.to_owned(), bench, load]
    };
    let rows = [
        row("processor", &|it| format!("{}, {} threads", it.cpu_model, it.cores)),
        row("memory", &|it| format!("{} GiB", number(exact(it.memory_mib) / 1024.0))),
        row("kernel", &|it| it.kernel.clone()),
        row("compiler", &|it| it.rustc.clone()),
        row("commit", &|it| format!("`{}`", it.commit)),
        row("measured at", &|it| it.measured_at.to_string()),
    ];
    Some(words(["", "one process at a time", "under load"], rows))
}

/// The medians of each target, and their ratios to the empty function.
pub(super) fn bench(results: &Results) -> String {
    let figure = |measured: &Measured, figure: Figure, unit: f64, digits: usize| {
        let median = |all: &BTreeMap<Figure, _>| {
            all.get(&figure).map(|it: &crate::bench::statistics::Spread| it.median)
        };
        let Some(value) = median(&measured.figures) else { return "—".to_owned() };
        let value = format!("{:.digits$}", value * unit);
        match median(&measured.ratios).filter(|_| measured.target.program() != "empty") {
            Some(ratio) => format!("{value} ({ratio:.2} ×)"),
            None => value,
        }
    };
    let rows = results.targets.iter().map(|it| {
        [
            format!("`{}`", it.target),
            figure(it, Figure::StartToFirstPollMs, 1.0, 1),
            figure(it, Figure::StartToFirstResponseMs, 1.0, 1),
            figure(it, Figure::WarmP50Us, 1.0, 0),
            figure(it, Figure::WarmP99Us, 1.0, 0),
            figure(it, Figure::WarmP999Us, 1.0, 0),
            figure(it, Figure::WarmRequestsPerSecond, 1.0, 0),
        ]
    });
    let heads = [
        "target",
        "start to first poll, ms",
        "start to first response, ms",
        "warm p50, µs",
        "p99, µs",
        "p99.9, µs",
        "requests/s",
    ];
    let times = table(heads, rows);
    let rows = results.targets.iter().map(|it| {
        [
            format!("`{}`", it.target),
            figure(it, Figure::PeakMemoryKib, 1024.0 / 1e6, 1),
            figure(it, Figure::BinaryBytes, 1e-6, 1),
            figure(it, Figure::ZipBytes, 1e-6, 1),
            figure(it, Figure::Allocations, 1.0, 0),
        ]
    });
    let heads = ["target", "peak memory, MB", "program, MB", "zip, MB", "allocations a request"];
    format!("{times}\n\n{}", table(heads, rows))
}

/// What a request costs that no function answers.
pub(super) fn server(server: &[Warm]) -> Option<String> {
    let mut p50: Vec<f64> = server.iter().map(|warm| warm.p50_us).collect();
    p50.sort_by(f64::total_cmp);
    let middle = p50.get(p50.len() / 2)?;
    Some(format!("{middle:.0}"))
}

pub(super) fn availability(results: &AvailabilityResults) -> String {
    let rows = results.steps.iter().map(|step| {
        let (ours, empty) = (&step.availability, &step.empty);
        [
            ours.clients.to_string(),
            number(ours.requests_per_second),
            number(empty.requests_per_second),
            format!("{:.2} ×", step.throughput_ratio),
            milliseconds(ours.latency.p50_ms),
            milliseconds(empty.latency.p50_ms),
            milliseconds(ours.latency.p99_ms),
            milliseconds(empty.latency.p99_ms),
            ours.containers.to_string(),
        ]
    });
    let heads = [
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
    table(heads, rows)
}

pub(super) fn checkout(results: &CheckoutResults) -> String {
    let rows = results.steps.iter().map(|step| {
        [
            step.clients.to_string(),
            step.containers.to_string(),
            count(step.requests),
            number(step.requests_per_second),
            milliseconds(step.latency.p50_ms),
            milliseconds(step.latency.p90_ms),
            milliseconds(step.latency.p99_ms),
            milliseconds(step.latency.max_ms),
            answers(&step.answers),
        ]
    });
    let heads = [
        "clients",
        "containers",
        "checkouts",
        "a second",
        "p50, ms",
        "p90",
        "p99",
        "slowest",
        "answers",
    ];
    table(heads, rows)
}

/// Lists answers, the most frequent first: 201 × 1,500, 503 `stripe_busy` × 12.
pub(super) fn answers(answers: &[AnswerCount]) -> String {
    let mut sorted: Vec<_> = answers.iter().collect();
    sorted.sort_by_key(|answer| (std::cmp::Reverse(answer.count), *answer));
    let one = |answer: &&AnswerCount| {
        let status = answer.status.map_or_else(|| "no answer".to_owned(), |it| it.to_string());
        let code = answer.code.as_ref().map_or_else(String::new, |code| format!(" `{code}`"));
        format!("{status}{code} × {}", count(answer.count))
    };
    sorted.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn accounts(accounts: &Accounts) -> String {
    let Accounts {
        holds,
        holds_lost,
        holds_unaccounted,
        sessions_twice,
        sessions_without_hold,
        overlaps,
    } = *accounts;
    format!(
        "{} holds in the table; {holds_lost} that were promised are missing, {holds_unaccounted} \
         that nobody was told of; {sessions_twice} bookings have two sessions, \
         {sessions_without_hold} sessions have no hold; {overlaps} times overlap",
        count(holds)
    )
}

pub(super) fn soak_load(load: &BTreeMap<String, Step>) -> String {
    let rows = load.iter().map(|(function, step)| {
        [
            function.clone(),
            count(step.requests),
            number(step.requests_per_second),
            milliseconds(step.latency.p50_ms),
            milliseconds(step.latency.p99_ms),
            milliseconds(step.latency.max_ms),
            answers(&step.answers),
        ]
    });
    table(["function", "requests", "a second", "p50, ms", "p99", "slowest", "answers"], rows)
}

pub(super) fn soak_processes(soak: &SoakResults) -> String {
    let rows = soak.processes.iter().map(|process| {
        let memory = |bytes: Option<u64>| {
            bytes.map_or_else(|| "—".to_owned(), |it| format!("{:.1}", exact(it) / 1e6))
        };
        let resident = || process.samples.iter().map(|sample| sample.resident_bytes);
        let descriptors = process.samples.iter().map(|sample| sample.descriptors);
        [
            process.function.clone(),
            memory(resident().next()),
            memory(resident().max()),
            memory(resident().next_back()),
            format!("{:.2}", process.growth_bytes_per_second * 3600.0 / 1e6),
            format!("{:.2}", process.growth_bytes_per_request),
            descriptors.max().map_or_else(|| "—".to_owned(), |it| it.to_string()),
            format!("{:.2}", process.descriptors_per_minute),
        ]
    });
    let heads = [
        "process of",
        "memory at first, MB",
        "most",
        "at last",
        "growth, MB an hour",
        "bytes a request",
        "descriptors, most",
        "growth a minute",
    ];
    table(heads, rows)
}

pub(super) fn on_lambda(all: &[OnLambda]) -> String {
    let rows = all.iter().map(|it| {
        [
            format!("`{}`", it.asked.route()),
            milliseconds(it.answer_ms),
            number(it.answers_a_second),
            milliseconds(it.answer_ms + it.cold_ms),
        ]
    });
    table(["request", "answered in, ms", "a second and container", "after a cold start, ms"], rows)
}

pub(super) fn memory_sizes(sizes: &[MemorySize]) -> String {
    let rows = sizes.iter().map(|size| {
        [
            format!("{:.0}", size.mb),
            milliseconds(size.hit_ms),
            dollars(size.hit_dollars),
            milliseconds(size.checkout_ms),
            dollars(size.checkout_dollars),
        ]
    });
    let heads = [
        "memory, MB",
        "cached answer, ms",
        "a million of them",
        "checkout, ms",
        "a million of them",
    ];
    table(heads, rows)
}

pub(super) fn visit() -> String {
    let rows = Asked::ALL.map(|asked| {
        [format!("`{}`", asked.route()), number(asked.per_visit()), asked.why().to_owned()]
    });
    words(["request", "a visit", "because"], rows)
}

/// A bill, for a million visits; what is paid without any is left out.
pub(super) fn bill(bill: &Bill, millions: f64) -> String {
    let price = |each: f64| {
        if each < 0.01 {
            format!("${} a million", number(each * 1e6))
        } else {
            format!("${} each", number(each))
        }
    };
    let rows = bill.lines.iter().filter(|line| !line.is_fixed).map(|line| {
        [
            format!("[{}]({})", line.price.what, line.price.source),
            format!("{} {}", large(line.quantity / millions), line.price.unit),
            price(line.price.each()),
            dollars(line.dollars() / millions),
        ]
    });
    table(["what", "quantity", "price", "dollars"], rows)
}

pub(super) fn fleet(fleet: &Fleet) -> String {
    let rows = fleet.rows.iter().map(|row: &Row| {
        [
            large(row.visits),
            number(row.peak_requests_a_second),
            format!("{} ({})", row.all_containers(), row.paper.containers.iter().sum::<u32>()),
            percent(row.cold_share),
            format!("{} ({})", percent(row.l1_share), percent(row.paper.l1_share)),
            percent(row.l2_share),
            large(row.snapshots_a_day),
            large(row.read_units_a_day),
            number(row.calendar_reads_a_day_and_person),
            dollars(row.bill.dollars()),
            dollars(row.bill.dollars_after_free_tier()),
            dollars(row.dollars_a_million()),
        ]
    });
    let heads = [
        "visits a day",
        "requests/s, peak",
        "containers (on paper)",
        "cold starts",
        "L1 (on paper)",
        "L2",
        "snapshots a day",
        "read units a day",
        "calendar reads a day and person",
        "a month",
        "after the free tier",
        "a million visits",
    ];
    table(heads, rows)
}

pub(super) fn limits(limits: &[Limit]) -> String {
    let rows = limits.iter().map(|limit| {
        [
            large(limit.visits_a_day),
            limit.what.to_owned(),
            limit.amount.clone(),
            limit.then.to_owned(),
        ]
    });
    words(["visits a day", "what ends", "at", "what happens, and what to do"], rows)
}

fn milliseconds(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => number(value),
    }
}
