//! `cargo dev bench`: the cost of a start and of a request, beside an empty function.
//!
//! | module | contents |
//! |---|---|
//! | `allocations` | the allocations of a cached answer |
//! | `backend` | the table, Stripe and Google for the functions |
//! | `runtime_api` | Lambda's side of a function |
//! | `function_process` | one process: started, sent events, measured, ended |
//! | `release_build` | the programs that are measured, and their sizes |

mod allocations;
mod backend;
pub mod function_process;
mod release_build;
mod runtime_api;

use std::array;

use clap::Args;
use dev::serve::Workspace;
use openchair::clock::Clock;

use self::backend::{Backend, SalonKind};
use self::function_process::{EventPlan, Measured, measure};
use crate::measure_error::{Context as _, Error};
use crate::results::Results;
use crate::statistics::{float, median};
use crate::visitor_events::Visitor;

const RESULTS_FILE: &str = "bench.json";
const EMPTY: &str = "empty";
const CHECKOUT: &str = "checkout";
/// The functions, in the order in which they take turns. The empty function does nothing.
const TARGETS: [&str; 3] = [EMPTY, "availability", CHECKOUT];
const SCENARIO: &str = "one process";
/// Processes per run of a function that calls others, for the median start. The first of
/// them answers the warm requests.
const STARTS: usize = 5;
/// Processes per run of a function that answers alone. The cores that the system chooses
/// for the two processes differ from process to process, and make a request a quarter
/// longer or shorter.
const SHORT_PROCESSES: usize = 9;

/// The figures of a run, in the order of [`Measured::figures`].
const FIGURES: [&str; 6] = [
    "start to first poll, ms",
    "start to first response, ms",
    "warm p50, µs",
    "p99, µs",
    "p99.9, µs",
    "peak memory, MB",
];

pub(crate) const BARS: &str = "
one process | availability | warm p50, µs | at most 1.10 × | the bill: at 256 MB a cached answer must stay within one billed millisecond; no visitor feels 0.1 ms
one process | availability | start to first poll, ms | at most 4 × | the first visitor after a quiet time, who waits for a cold start
one process | availability | start to first response, ms | at most 15 | the first visitor after a quiet time, with the calendars in the table
one process | checkout | start to first poll, ms | at most 5 × | on a quiet site nearly every checkout is a cold start
one process | availability | allocations per request | at most 12 | developers: more allocations mean that a cached body is copied or computed again
one process | availability | peak memory, MB | at most 14 | developers: we buy 256 MB for the CPU, so this only detects growth
one process | checkout | peak memory, MB | at most 18 | as above
one process | availability | zip, MB | at most 3.5 | cold starts: every new container loads it
one process | checkout | zip, MB | at most 5 | as above
";

const HELP: &str = "\
Every run starts the process of each target anew, and the targets take turns. A
Runtime API server in this process sends one event after the other.

  empty                     the function that does nothing
  availability              started with calendars in the table, then answers from
                            the container
  checkout                  a hold, and a session to pay it

  start to first poll       Init: until the process requests its first event
  start to first response   until the process has answered its first event
  warm p50, p99, p99.9      from the delivery of an event to the end of the response
  zip                       the deflated program, as it is uploaded
  allocations               of a warm request, inside `handle`

Figures are medians of the runs. Ratios compare with the empty function of the same
run; they say more about another machine than times do. A full run, without --only
and --quick, is saved in docs/load-testing/bench.json.";

#[derive(Args, Clone, Debug)]
#[command(after_long_help = HELP)]
pub struct Options {
    /// Measure only these functions, and the empty function
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = TARGETS)]
    pub only: Vec<String>,

    /// Measure less: too few requests for the rare slow ones
    #[arg(long)]
    pub quick: bool,

    /// Measure nothing, and print the results that are saved in docs/load-testing
    #[arg(long)]
    pub print_saved: bool,
}

/// Measures and prints, and ends every process that it started.
///
/// # Errors
/// When something does not build, start or answer.
pub async fn run(options: Options) -> Result<(), Error> {
    crate::until_stopped(Box::pin(measure_and_print(&options))).await
}

async fn measure_and_print(options: &Options) -> Result<(), Error> {
    let workspace = Workspace::load().await?;
    if options.print_saved {
        print!("{}", Results::load(&workspace.root, RESULTS_FILE)?.report(BARS));
        return Ok(());
    }
    let release = release_build::build(&workspace).await?;
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not create {}", folder.display()))?;
    let (runs, requests) = if options.quick { (3, 200) } else { (5, 2_000) };
    let clock = Clock::machine();
    let extent = format!("medians of {runs} runs of {requests} warm requests");
    let mut results = Results::new(&workspace.root, &clock, &extent).await;
    let is_wanted = |target: &&'static str| {
        *target == EMPTY
            || options.only.is_empty()
            || options.only.iter().any(|name| name == target)
    };
    let targets: Vec<&str> = TARGETS.into_iter().filter(is_wanted).collect();
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); targets.len()];
    for run in 1..=runs {
        let start = |kind| Backend::start(kind, &release, &folder, clock.now());
        let (sample, busy) = (start(SalonKind::Sample).await?, start(SalonKind::Busy).await?);
        eprintln!("run {run} of {runs}");
        for (number, target) in targets.iter().enumerate() {
            eprintln!("  {target}");
            let backend = if *target == CHECKOUT { &busy } else { &sample };
            figures[number].push(one_run(target, backend, requests).await?);
        }
    }
    for (target, of_target) in targets.iter().zip(&figures) {
        add_medians(&mut results, target, of_target, &figures[0]);
        let (program, zip) = release_build::sizes(&release.join(target))?;
        results.add(SCENARIO, target, [("program, MB", program), ("zip, MB", zip)]);
        if *target == "availability" {
            let count = float(allocations::of_cached("/availability"));
            results.add(SCENARIO, target, [("allocations per request", count)]);
        }
    }
    if !options.quick && options.only.is_empty() {
        results.save(&workspace.root, RESULTS_FILE)?;
    }
    print!("{}", results.report(BARS));
    Ok(())
}

type Figures = [f64; FIGURES.len()];

/// Adds the medians of the runs, with the ratios to the empty function of the same run: these
/// do not depend on how fast the machine was then.
fn add_medians(results: &mut Results, target: &str, runs: &[Figures], empty: &[Figures]) {
    for (index, figure) in FIGURES.into_iter().enumerate() {
        let value = median(runs.iter().map(|run| run[index]));
        let ratios = runs.iter().zip(empty).map(|(run, empty)| run[index] / empty[index]);
        let ratio = if target == EMPTY { f64::NAN } else { median(ratios) };
        results.add_ratio(SCENARIO, target, figure, value, ratio);
    }
}

/// Measures several processes of a target, and returns the medians.
async fn one_run(target: &str, backend: &Backend, requests: usize) -> Result<Figures, Error> {
    let warm = 1 + requests / 20 + requests;
    let plan = if target == CHECKOUT {
        [vec![warm], vec![1; STARTS - 1]].concat()
    } else {
        vec![warm; SHORT_PROCESSES]
    };
    let mut processes = Vec::with_capacity(plan.len());
    for count in plan {
        let (events, status) = if target == CHECKOUT {
            (backend.bookings(count), 201)
        } else {
            (vec![Visitor(0).get("/availability").json(); count], 200)
        };
        let untimed = count.saturating_sub(requests + 1);
        let plan = EventPlan { events, untimed, status: Some(status) };
        processes.push(measure(backend.program(target), plan).await?.figures());
    }
    let column = |index: usize| median(processes.iter().map(|of_process| of_process[index]));
    Ok(array::from_fn(column))
}

impl Measured {
    /// Returns the figures named in [`FIGURES`]. Without warm requests, only those of the
    /// start are known.
    fn figures(&self) -> Figures {
        let at = |per_mille| crate::statistics::percentile(&self.latencies_us, per_mille);
        let is_warm = !self.latencies_us.is_empty();
        let peak_memory = if is_warm { float(self.peak_memory_bytes) / 1e6 } else { f64::NAN };
        let [p50, p99, p999] = [500, 990, 999].map(at);
        [self.start_to_first_poll_ms, self.start_to_first_response_ms, p50, p99, p999, peak_memory]
    }
}
