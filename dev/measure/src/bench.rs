//! `cargo dev bench`: the cost of a start and of a request, beside an empty function.
//!
//! | module | contents |
//! |---|---|
//! | `programs` | the release build, and its size |
//! | `backend` | the table, Stripe and Google for the functions |
//! | `runtime_api`, `runtime_client` | Lambda's side of a function, and a client that does nothing |
//! | `function_process` | one process: started, sent events, measured, ended |
//! | `bench_results`, `bench_report` | the results, and how they are printed and judged |

mod backend;
mod bench_error;
mod bench_report;
mod bench_results;
pub mod function_process;
mod programs;
mod runtime_api;
mod runtime_client;

use std::path::PathBuf;

use clap::{Args, value_parser};
use openchair::clock::Clock;

use self::backend::{Backend, SalonKind};
pub use self::bench_error::Error;
pub use self::bench_results::Target;
use self::bench_results::{BenchResults, Plan, Run, TargetResults};
use self::function_process::{Measured, measure, measure_server_alone};
use crate::machine::Machine;
use crate::results_file;
use crate::statistics::median;
use crate::visitor_events::Visitor;
use dev::serve::{self, Workspace};

const RESULTS_FILE: &str = "bench.json";
/// The most warm requests of a run: the sandbox remembers 10,000 events.
const MAX_REQUESTS: u16 = 5_000;
/// Starts of each target per run. A start is short, so chance is a large part of it.
const STARTS: usize = 5;
/// Processes per run of a target that calls no other service; the median one counts. The
/// cores that the system chooses for the two processes differ from process to process, and
/// make a request a quarter longer or shorter.
const SHORT_PROCESSES: usize = 9;
/// Requests whose allocations are counted, after one that is not.
const COUNTED_REQUESTS: usize = 20;

const FIGURES: &str = "\
Every run starts the process of each target anew, and the targets take turns. A
Runtime API server in this process sends one event after the other.

  start to first poll       Init: until the process requests its first event
  start to first response   until the process has answered its first event
  warm p50, p99, p99.9      from the delivery of an event to the end of the response
  requests/s                warm requests, one after the other
  peak memory               the most memory that the process has held
  zip                       the deflated program, as it is uploaded
  allocations               of a warm request, inside `handle`

Figures are medians of the runs. Ratios compare with the empty function of the same
run; they say more about another machine than times do. A full run, without --runs,
--requests, --only and --quick, is saved in docs/load-testing/bench.json.";

#[derive(Args, Clone, Debug)]
#[command(after_long_help = FIGURES)]
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

    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,

    /// Also print the changes since an earlier run, from its JSON
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,

    /// Measure nothing, and print the results that are saved in docs/load-testing
    #[arg(long)]
    pub print_saved: bool,
}

/// Measures and prints, and ends every process that it started.
///
/// # Errors
/// When something does not build, start or answer.
pub async fn run(options: Options) -> Result<(), Error> {
    serve::adopt_orphans();
    let stopped = serve::stop_requested().map_err(serve::Error::Signals)?;
    let outcome = tokio::select! {
        outcome = measure_and_print(&options) => outcome,
        () = stopped => Err(Error::Stopped),
    };
    serve::end_descendants().await;
    outcome
}

async fn measure_and_print(options: &Options) -> Result<(), Error> {
    let earlier: Option<BenchResults> =
        options.compare.as_deref().map(results_file::read).transpose()?;
    let workspace = Workspace::load().await?;
    let results = if options.print_saved {
        results_file::load(&workspace.root, RESULTS_FILE)?
    } else {
        let results = measure_all(options, &workspace).await?;
        if options.is_full() {
            let path = results_file::save(&workspace.root, RESULTS_FILE, &results)?;
            eprintln!("saved in {}", path.display());
        }
        results
    };
    if options.json {
        print!("{}", results_file::to_json(&results));
    } else {
        print!("{}", bench_report::report(&results));
    }
    if let Some(earlier) = earlier {
        eprint!("{}", bench_report::changes(&earlier, &results));
    }
    Ok(())
}

async fn measure_all(options: &Options, workspace: &Workspace) -> Result<BenchResults, Error> {
    let release = programs::build(workspace).await?;
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder)
        .map_err(|source| Error::File { path: folder.clone(), source })?;
    let clock = Clock::machine();
    let machine = Machine::describe(&workspace.root, &clock).await;
    let bench = Bench { release, folder, clock, plan: options.plan() };
    bench.measure(machine, options.targets()).await
}

impl Options {
    fn plan(&self) -> Plan {
        let (runs, requests) = if self.quick { (3, 200) } else { (5, 2_000) };
        Plan {
            runs: self.runs.map_or(runs, usize::from),
            requests: self.requests.map_or(requests, usize::from),
            quick: self.quick,
        }
    }

    fn targets(&self) -> Vec<Target> {
        let is_wanted = |target: &Target| {
            *target == Target::Empty || self.only.is_empty() || self.only.contains(target)
        };
        Target::ALL.into_iter().filter(is_wanted).collect()
    }

    fn is_full(&self) -> bool {
        !self.quick && self.only.is_empty() && self.runs.is_none() && self.requests.is_none()
    }
}

struct Bench {
    release: PathBuf,
    folder: PathBuf,
    clock: Clock,
    plan: Plan,
}

/// The backends of one run.
struct Backends {
    /// The sample salon, with a fresh reading of the calendar and a booking a day.
    filled: Backend,
    /// The sample salon, with an empty table.
    cold: Backend,
    busy: Backend,
}

impl Bench {
    async fn measure(&self, machine: Machine, targets: Vec<Target>) -> Result<BenchResults, Error> {
        let targets = targets.into_iter().map(|target| {
            let size = programs::size_of(&self.release.join(target.program()))?;
            Ok(TargetResults {
                target,
                binary_bytes: size.binary_bytes,
                zip_bytes: size.zip_bytes,
                allocations: Vec::new(),
                runs: Vec::new(),
            })
        });
        let mut targets = targets.collect::<Result<Vec<_>, Error>>()?;
        let mut server = Vec::new();
        for run in 1..=self.plan.runs {
            let mut backends = self.start_backends().await?;
            eprintln!("run {run} of {}", self.plan.runs);
            let events = vec![page_view(); self.process_events()];
            let plan = backends.filled.plan(events, self.untimed(self.process_events()), 200);
            server.extend(measure_server_alone(plan).await?);
            for results in &mut targets {
                eprintln!("  {}", results.target.name());
                results.runs.push(self.run(results.target, &mut backends).await?);
                if run == 1 {
                    results.allocations = self.allocations(results.target, &mut backends).await?;
                }
            }
        }
        Ok(BenchResults { machine, plan: self.plan, server, targets })
    }

    async fn start_backends(&self) -> Result<Backends, Error> {
        let start = |kind| Backend::start(kind, &self.folder, &self.clock);
        let filled = start(SalonKind::Sample).await?;
        filled.fill(self.program(&filled, "checkout")).await?;
        let (cold, busy) = (start(SalonKind::Sample).await?, start(SalonKind::Busy).await?);
        Ok(Backends { filled, cold, busy })
    }

    fn program(&self, backend: &Backend, name: &str) -> function_process::Program {
        backend.program(&self.release, name, &self.folder)
    }

    /// Returns the number of events of a process: the first one, some that are not timed,
    /// and those that are.
    const fn process_events(&self) -> usize {
        1 + self.plan.requests / 20 + self.plan.requests
    }

    const fn untimed(&self, events: usize) -> usize {
        events.saturating_sub(self.plan.requests + 1)
    }

    /// Measures one target: some starts, and the warm requests of one process.
    async fn run(&self, target: Target, backends: &mut Backends) -> Result<Run, Error> {
        let mut starts = Vec::with_capacity(STARTS);
        for _ in 1..STARTS {
            starts.push(self.process(target, backends, 1).await?.run);
            if target == Target::AvailabilityCold {
                // The start has filled the table.
                backends.cold =
                    Backend::start(SalonKind::Sample, &self.folder, &self.clock).await?;
            }
        }
        let events = self.process_events();
        let mut run = match target {
            Target::AvailabilityCold => self.process(target, backends, 1).await?.run,
            Target::AvailabilityL2 => {
                // The start is the deployed program's; the warm requests need a program
                // with a clock that jumps.
                let start = self.process(target, backends, 1).await?.run;
                let plan =
                    backends.filled.plan(vec![page_view(); events], self.untimed(events), 200);
                let program = self.program(&backends.filled, "probes");
                Run { warm: measure(program, plan).await?.run.warm, ..start }
            }
            Target::Empty | Target::AvailabilityL1 => {
                let mut runs = Vec::with_capacity(SHORT_PROCESSES);
                for _ in 0..SHORT_PROCESSES {
                    runs.push(self.process(target, backends, events).await?.run);
                }
                let p50 = |run: &Run| run.warm.map_or(f64::MAX, |warm| warm.p50_us);
                runs.sort_by(|one, other| p50(one).total_cmp(&p50(other)));
                runs.swap_remove(SHORT_PROCESSES / 2)
            }
            Target::CheckoutBare | Target::CheckoutBody | Target::Webhook => {
                self.process(target, backends, events).await?.run
            }
        };
        starts.push(run);
        let median_of =
            |value: fn(&Run) -> f64| median(&starts.iter().map(value).collect::<Vec<_>>());
        run.start_to_first_poll_ms = median_of(|run| run.start_to_first_poll_ms);
        run.start_to_first_response_ms = median_of(|run| run.start_to_first_response_ms);
        Ok(run)
    }

    /// Measures one process of the deployed program.
    async fn process(
        &self,
        target: Target,
        backends: &mut Backends,
        events: usize,
    ) -> Result<Measured, Error> {
        let untimed = self.untimed(events);
        let events = self.events(target, backends, events).await?;
        let backend = backends.of(target);
        let status = if target == Target::CheckoutBody { 201 } else { 200 };
        let program = self.program(backend, target.program());
        measure(program, backend.plan(events, untimed, status)).await
    }

    async fn events(
        &self,
        target: Target,
        backends: &mut Backends,
        count: usize,
    ) -> Result<Vec<String>, Error> {
        Ok(match target {
            Target::Empty
            | Target::AvailabilityL1
            | Target::AvailabilityL2
            | Target::AvailabilityCold => vec![page_view(); count],
            Target::CheckoutBare => vec![Visitor(0).pay_bare_deposit().json(); count],
            Target::CheckoutBody => backends.busy.bookings(count),
            Target::Webhook => {
                let checkout = self.program(&backends.busy, "checkout");
                backends.busy.payments(checkout, count).await?
            }
        })
    }

    /// Counts the allocations of a target's warm requests.
    async fn allocations(
        &self,
        target: Target,
        backends: &mut Backends,
    ) -> Result<Vec<u64>, Error> {
        if matches!(target, Target::Empty | Target::AvailabilityCold) {
            return Ok(Vec::new());
        }
        let events = self.events(target, backends, COUNTED_REQUESTS + 1).await?;
        let program = self.program(backends.of(target), "probes");
        let output = program.run_with_input(target.name(), events.join("\n")).await?;
        let counts = output.lines().filter_map(|line| {
            let (status, count) = line.split_once(' ')?;
            status.starts_with('2').then(|| count.parse().ok())?
        });
        Ok(counts.skip(1).collect())
    }
}

impl Backends {
    const fn of(&self, target: Target) -> &Backend {
        match target {
            Target::Empty | Target::AvailabilityL1 | Target::AvailabilityL2 => &self.filled,
            Target::AvailabilityCold => &self.cold,
            Target::CheckoutBare | Target::CheckoutBody | Target::Webhook => &self.busy,
        }
    }
}

fn page_view() -> String {
    Visitor(0).get("/availability").json()
}
