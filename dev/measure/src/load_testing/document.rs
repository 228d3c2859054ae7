//! The document: its words are in `dev/templates/load-testing.md`.

use askama::Template;

use super::bars::{Bar, Verdict, bars};
use super::figures::{count, dollars, large, number, percent};
use super::tables;
use crate::bench::results::Results;
use crate::fleet::{self, Fleet, KEPT, MEMORY_MB, PEOPLE, Row, WHOLE_CPU_MB, requests_per_visit};
use crate::load::results::{CheckoutResults, CrowdResults, LimitResults, LoadResults, SoakResults};

/// The visits a day that stand for a site that is looked at a lot.
const USUAL_VISITS: f64 = 10_000.0;

#[derive(Template)]
#[template(path = "load-testing.md", escape = "none")]
struct Document<'a> {
    conclusion: String,
    missed: Vec<&'a Bar>,
    bars: String,
    a_million: String,
    fixed_dollars: String,
    usual_visits: String,
    first_limits: String,
    is_quick: bool,
    machine: Option<String>,
    bench: Option<Bench<'a>>,
    generator: Option<&'a str>,
    availability: Option<String>,
    checkout: Option<Checkout>,
    limit: Option<Limit>,
    crowd: Option<Crowd<'a>>,
    soak: Option<Soak>,
    on_lambda: String,
    is_measured: bool,
    memory_mb: String,
    whole_cpu_mb: String,
    slowdown: String,
    environment_ms: String,
    memory_sizes: String,
    bill: String,
    visit: String,
    requests_per_visit: String,
    people: u32,
    kept_minutes: String,
    fleet: String,
    limits: String,
}

struct Bench<'a> {
    tables: String,
    runs: usize,
    requests: String,
    server: Option<String>,
    notes: &'a [String],
}

struct Checkout {
    table: String,
    stripe_latency_ms: u64,
}

struct Limit {
    offered: String,
    seconds: String,
    offered_per_second: u32,
    stripe: u32,
    share: String,
    turned_away: String,
    most_in_flight: u32,
    answers: String,
    session_p50: String,
    session_p99: String,
    accounts: String,
}

struct Crowd<'a> {
    visitors: u32,
    date: &'a str,
    starts: u32,
    booked: u64,
    left_without: u64,
    put_off: u64,
    page_answers: String,
    page_p50: String,
    page_p99: String,
    checkout_answers: String,
    checkout_p50: String,
    checkout_p99: String,
    accounts: String,
}

struct Soak {
    minutes: String,
    load: String,
    processes: String,
}

/// Writes the document.
pub(super) fn document(
    bench: Option<&Results>,
    load: Option<&LoadResults>,
    fleet: &Fleet,
) -> Result<String, askama::Error> {
    let bars = bars(bench, load);
    let usual = fleet.rows.iter().find(|row| row.visits >= USUAL_VISITS);
    let a_million = usual.map_or(0.0, Row::dollars_a_million);
    let millions = USUAL_VISITS * fleet::DAYS / 1e6;
    let document = Document {
        conclusion: conclusion(&bars),
        missed: bars.iter().filter(|bar| bar.verdict == Verdict::Missed).collect(),
        bars: tables::bars(&bars),
        a_million: dollars(a_million),
        fixed_dollars: dollars(usual.map_or(0.0, |row| row.bill.fixed_dollars())),
        usual_visits: large(USUAL_VISITS),
        first_limits: first_limits(fleet),
        is_quick: bench.is_some_and(|bench| bench.plan.quick)
            || load.is_some_and(|load| load.is_quick),
        machine: tables::machine(bench.map(|bench| &bench.machine), load.map(|load| &load.machine)),
        bench: bench.map(|bench| Bench {
            tables: tables::bench(bench),
            runs: bench.plan.runs,
            requests: count(bench.plan.requests.try_into().unwrap_or(u64::MAX)),
            server: tables::server(&bench.server),
            notes: &bench.notes,
        }),
        generator: load.map(|load| &*load.generator),
        availability: load.and_then(|load| load.availability.as_ref()).map(tables::availability),
        checkout: load.and_then(|load| load.checkout.as_ref()).map(Checkout::new),
        limit: load.and_then(|load| load.limit.as_ref()).map(Limit::new),
        crowd: load.and_then(|load| load.crowd.as_ref()).map(Crowd::new),
        soak: load.and_then(|load| load.soak.as_ref()).map(Soak::new),
        on_lambda: tables::on_lambda(&fleet.on_lambda),
        is_measured: fleet.measured.is_measured,
        memory_mb: number(MEMORY_MB),
        whole_cpu_mb: format!("{WHOLE_CPU_MB:.0}"),
        slowdown: number(WHOLE_CPU_MB / MEMORY_MB),
        environment_ms: number(fleet::ENVIRONMENT * 1000.0),
        memory_sizes: tables::memory_sizes(&fleet.memory_sizes),
        bill: usual.map_or_else(String::new, |row| tables::bill(&row.bill, millions)),
        visit: tables::visit(),
        requests_per_visit: format!("{:.2}", requests_per_visit()),
        people: PEOPLE,
        kept_minutes: number(KEPT / 60.0),
        fleet: tables::fleet(fleet),
        limits: tables::limits(&fleet.limits),
    };
    document.render().map(|text| text.trim_end().to_owned() + "\n")
}

/// Says how many of the bars are met.
fn conclusion(bars: &[Bar]) -> String {
    let of = |verdict| bars.iter().filter(|bar| bar.verdict == verdict).count();
    let (met, missed, unmeasured) =
        (of(Verdict::Met), of(Verdict::Missed), of(Verdict::Unmeasured));
    let all = bars.len();
    if unmeasured == all {
        return "Nothing has been measured yet.".to_owned();
    }
    let text = match missed {
        0 if unmeasured == 0 => return format!("All {all} bars are met."),
        0 => format!("Of {all} bars, {met} are met and none is missed"),
        _ => format!("Of {all} bars, {met} are met and {missed} not"),
    };
    if unmeasured > 0 {
        let is_missing = |command: &&str| {
            let of_command = || bars.iter().filter(|bar| bar.command == *command);
            of_command().any(|bar| bar.verdict == Verdict::Unmeasured)
        };
        let commands = ["cargo dev bench", "cargo dev load"].into_iter().filter(is_missing);
        let commands: Vec<_> = commands.map(|command| format!("`{command}`")).collect();
        let commands = commands.join(", ");
        return format!("{text}; {unmeasured} are yet to be measured ({commands}).");
    }
    text + "."
}

/// Says which limits come first.
fn first_limits(fleet: &Fleet) -> String {
    let mut limits = fleet
        .limits
        .iter()
        .map(|limit| format!("{} ({}) at {}", limit.what, limit.amount, large(limit.visits_a_day)));
    let first = limits.next().unwrap_or_default();
    let then: Vec<String> = limits.take(2).collect();
    format!("The first limit is {first} visits a day, then {}.", then.join(" and "))
}

impl Checkout {
    fn new(results: &CheckoutResults) -> Self {
        Self { table: tables::checkout(results), stripe_latency_ms: results.stripe_latency_ms }
    }
}

impl Limit {
    fn new(results: &LimitResults) -> Self {
        Self {
            offered: count(results.offered),
            seconds: number(results.duration_seconds),
            offered_per_second: results.offered_per_second,
            stripe: results.stripe_limit_per_second,
            share: percent(results.share_of_limit),
            turned_away: count(results.turned_away),
            most_in_flight: results.in_flight_limit,
            answers: tables::answers(&results.answers),
            session_p50: number(results.session_latency.p50_ms),
            session_p99: number(results.session_latency.p99_ms),
            accounts: tables::accounts(&results.accounts),
        }
    }
}

impl<'a> Crowd<'a> {
    fn new(results: &'a CrowdResults) -> Self {
        Self {
            visitors: results.visitors,
            date: &results.date,
            starts: results.starts_shown,
            booked: results.booked,
            left_without: results.left_without,
            put_off: results.put_off,
            page_answers: tables::answers(&results.page_answers),
            page_p50: number(results.page_latency.p50_ms),
            page_p99: number(results.page_latency.p99_ms),
            checkout_answers: tables::answers(&results.checkout_answers),
            checkout_p50: number(results.checkout_latency.p50_ms),
            checkout_p99: number(results.checkout_latency.p99_ms),
            accounts: tables::accounts(&results.accounts),
        }
    }
}

impl Soak {
    fn new(results: &SoakResults) -> Self {
        Self {
            minutes: number(results.duration_seconds / 60.0),
            load: tables::soak_load(&results.load),
            processes: tables::soak_processes(results),
        }
    }
}
