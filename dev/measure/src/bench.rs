//! `cargo dev bench`: the cost of a start and of a request, beside an empty function.
//!
//! | module | contents |
//! |---|---|
//! | `backend` | the table, Stripe and Google for the functions |
//! | `runtime_api` | Lambda's side of a function |
//! | `function_process` | one process: started, sent events, measured, ended |
//! | `release_build` | the programs that are measured, and their sizes |

mod backend;
pub mod function_process;
mod release_build;
mod runtime_api;

use std::array;
use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};
use dev::serve::Workspace;
use openchair::clock::Clock;

use self::backend::{Backend, SalonKind};
use self::function_process::{EventPlan, Measured, measure};
use crate::bar::{Bar, Limit};
use crate::measure_error::{Context as _, Error};
use crate::results::Results;
use crate::statistics::{float, median};
use crate::visitor_events::Visitor;

const RESULTS_FILE: &str = "bench.json";
/// The table of all figures.
const SCENARIO: &str = "one process";
/// The most warm requests of a run: the sandbox remembers 10,000 events.
const MAX_REQUESTS: u16 = 5_000;
/// Processes per run of a function that calls others, for the median start. The first of
/// them answers the warm requests.
const STARTS: usize = 5;
/// Processes per run of a function that answers alone. The cores that the system chooses
/// for the two processes differ from process to process, and make a request a quarter
/// longer or shorter.
const SHORT_PROCESSES: usize = 9;
/// Requests whose allocations are counted, after one that is not.
const COUNTED_REQUESTS: usize = 20;

/// The figures of a run, in the order of [`Measured::figures`].
const FIGURES: [&str; 6] = [
    "start to first poll, ms",
    "start to first response, ms",
    "warm p50, µs",
    "p99, µs",
    "p99.9, µs",
    "peak memory, MB",
];
const ALLOCATIONS: &str = "allocations per request";
const ZIP: &str = "zip, MB";

pub(crate) const BARS: &[Bar] = &[
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: FIGURES[2],
        limit: Limit::RatioAtMost(1.10),
        reason: "the bill: at 256 MB a cached answer must stay within one billed millisecond; \
                 no visitor feels 0.1 ms",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: FIGURES[0],
        limit: Limit::RatioAtMost(4.0),
        reason: "the first visitor after a quiet time, who waits for a cold start",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: FIGURES[1],
        limit: Limit::AtMost(15.0),
        reason: "the first visitor after a quiet time, with the calendars in the table",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["checkout"],
        figure: FIGURES[0],
        limit: Limit::RatioAtMost(5.0),
        reason: "on a quiet site nearly every checkout is a cold start",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: ALLOCATIONS,
        limit: Limit::AtMost(12.0),
        reason: "developers: more of them means that a cached body is copied or computed again",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: FIGURES[5],
        limit: Limit::AtMost(14.0),
        reason: "developers: 256 MB are paid for their CPU, so this only shows that nothing grows",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["checkout"],
        figure: FIGURES[5],
        limit: Limit::AtMost(18.0),
        reason: "as above",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["availability"],
        figure: ZIP,
        limit: Limit::AtMost(3.5),
        reason: "cold starts: every new container loads it",
    },
    Bar {
        scenario: SCENARIO,
        subjects: &["checkout"],
        figure: ZIP,
        limit: Limit::AtMost(5.0),
        reason: "as above",
    },
];

const HELP: &str = "\
Every run starts the process of each target anew, and the targets take turns. A
Runtime API server in this process sends one event after the other.

  start to first poll       Init: until the process requests its first event
  start to first response   until the process has answered its first event
  warm p50, p99, p99.9      from the delivery of an event to the end of the response
  peak memory               the most memory that the process has held
  zip                       the deflated program, as it is uploaded
  allocations               of a warm request, inside `handle`

Figures are medians of the runs. Ratios compare with the empty function of the same
run; they say more about another machine than times do. A full run, without --runs,
--requests, --only and --quick, is saved in docs/load-testing/bench.json.";

#[derive(Args, Clone, Debug)]
#[command(after_long_help = HELP)]
pub struct Options {
    /// How many times each target is measured [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=100))]
    pub runs: Option<u16>,

    /// How many warm requests a run times [default: 2000, with --quick 200]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=i64::from(MAX_REQUESTS)))]
    pub requests: Option<u16>,

    /// Measure only these targets, and the empty function
    #[arg(long, value_name = "NAME", num_args = 1.., value_enum)]
    pub only: Vec<Target>,

    /// Measure less: too few requests for the rare slow ones
    #[arg(long)]
    pub quick: bool,

    /// Measure nothing, and print the results that are saved in docs/load-testing
    #[arg(long)]
    pub print_saved: bool,
}

/// A function, and the request that it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The function that does nothing
    Empty,
    /// GET /availability: started with calendars in the table, then answered from the container
    Availability,
    /// POST /checkout with a body: a hold, and a session to pay it
    Checkout,
    /// POST /stripe/webhook with the payment of a held booking
    Webhook,
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
    let runs = options.runs.map_or(runs, usize::from);
    let requests = options.requests.map_or(requests, usize::from);
    let clock = Clock::machine();
    let extent = format!("medians of {runs} runs of {requests} warm requests");
    let mut results = Results::new(&workspace.root, &clock, &extent).await;
    let is_wanted = |target: &&Target| {
        **target == Target::Empty || options.only.is_empty() || options.only.contains(target)
    };
    let targets: Vec<Target> = Target::value_variants().iter().filter(is_wanted).copied().collect();
    let bench = Bench { release, folder, clock, runs, requests };
    bench.measure(&targets, &mut results).await?;
    let is_full = !options.quick
        && options.only.is_empty()
        && options.runs.is_none()
        && options.requests.is_none();
    if is_full {
        results.save(&workspace.root, RESULTS_FILE)?;
    }
    print!("{}", results.report(BARS));
    Ok(())
}

struct Bench {
    release: PathBuf,
    folder: PathBuf,
    clock: Clock,
    runs: usize,
    requests: usize,
}

type Figures = [f64; FIGURES.len()];

impl Bench {
    async fn measure(&self, targets: &[Target], results: &mut Results) -> Result<(), Error> {
        let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); targets.len()];
        let mut allocations = vec![f64::NAN; targets.len()];
        for run in 1..=self.runs {
            let start = |kind| Backend::start(kind, &self.release, &self.folder, &self.clock);
            let mut sample = start(SalonKind::Sample).await?;
            let mut busy = start(SalonKind::Busy).await?;
            eprintln!("run {run} of {}", self.runs);
            for (number, target) in targets.iter().enumerate() {
                eprintln!("  {}", target.name());
                let backend = if target.answers_alone() { &mut sample } else { &mut busy };
                runs[number].push(self.run(*target, backend).await?);
                if run == 1 && *target != Target::Empty {
                    allocations[number] = allocations_of(*target, backend).await?;
                }
            }
        }
        for ((target, of_target), allocations) in targets.iter().zip(&runs).zip(allocations) {
            for (index, figure) in FIGURES.into_iter().enumerate() {
                let value = median(of_target.iter().map(|run| run[index]));
                // A ratio within a run does not depend on how fast the machine was then. The
                // empty function is the first target.
                let pairs = of_target.iter().zip(&runs[0]);
                let ratio = median(pairs.map(|(run, empty)| run[index] / empty[index]));
                let ratio = if *target == Target::Empty { f64::NAN } else { ratio };
                results.add_ratio(SCENARIO, target.name(), figure, value, ratio);
            }
            let (program, zip) = release_build::sizes(&self.release.join(target.name()))?;
            let sizes = [(ALLOCATIONS, allocations), ("program, MB", program), (ZIP, zip)];
            results.add(SCENARIO, target.name(), sizes);
        }
        Ok(())
    }

    /// Measures several processes of a target, and returns the medians.
    async fn run(&self, target: Target, backend: &mut Backend) -> Result<Figures, Error> {
        let warm = 1 + self.requests / 20 + self.requests;
        let plan = if target.answers_alone() {
            vec![warm; SHORT_PROCESSES]
        } else {
            [vec![warm], vec![1; STARTS - 1]].concat()
        };
        let mut processes = Vec::with_capacity(plan.len());
        for count in plan {
            let events = events(target, backend, count).await?;
            let status = if target == Target::Checkout { 201 } else { 200 };
            let untimed = count.saturating_sub(self.requests + 1);
            let program = backend.program(target.name());
            let measured = measure(program, EventPlan { events, untimed, status }).await?;
            processes.push(measured.figures());
        }
        let column = |index: usize| median(processes.iter().map(|of_process| of_process[index]));
        Ok(array::from_fn(column))
    }
}

async fn events(target: Target, backend: &mut Backend, count: usize) -> Result<Vec<String>, Error> {
    match target {
        Target::Empty | Target::Availability => {
            Ok(vec![Visitor(0).get("/availability").json(); count])
        }
        Target::Checkout => Ok(backend.bookings(count)),
        Target::Webhook => backend.payments(count).await,
    }
}

/// Counts the allocations of a target's warm requests.
async fn allocations_of(target: Target, backend: &mut Backend) -> Result<f64, Error> {
    let events = events(target, backend, COUNTED_REQUESTS + 1).await?;
    let output = backend.program("probes").run_with_input(target.name(), events.join("\n")).await?;
    let counts = output.lines().filter_map(|line| {
        let (status, count) = line.split_once(' ')?;
        status.starts_with('2').then(|| count.parse().ok())?
    });
    Ok(median(counts.skip(1)))
}

impl Target {
    /// Returns the name on the command line and in tables, which is that of the program.
    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Availability => "availability",
            Self::Checkout => "checkout",
            Self::Webhook => "webhook",
        }
    }

    /// Whether warm requests are answered without the table and Stripe.
    const fn answers_alone(self) -> bool {
        matches!(self, Self::Empty | Self::Availability)
    }
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
