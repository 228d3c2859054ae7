//! `cargo dev bench`: what a start and a request cost, beside a function that does nothing.
//!
//! | module | what is in it |
//! |---|---|
//! | `build` | the release build, and how large it is |
//! | `world` | the table, Stripe and Google, as the functions find them |
//! | `visitors` | what the functions are asked |
//! | `runtime_api` | Lambda's side of a function |
//! | `life` | one process: started, asked, measured, ended |
//! | `statistics`, `results` | what becomes of the measurements |
//! | `tables` | what is printed |

pub(crate) mod build;
mod error;
pub mod life;
pub mod results;
mod runtime_api;
pub mod statistics;
mod tables;
mod visitors;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};
use openchair::clock::Clock;

use self::build::size_of;
pub use self::error::Error;
use self::life::{Life, ask, live, server_alone};
use self::results::{Measured, Plan, Results, Target};
use self::statistics::Spread;
use self::world::{Kind, World};
use crate::load_testing;
use crate::machine::Machine;
use dev::serve::{self, Workspace};

/// The most warm requests of a run: the sandbox remembers 10,000 events.
const MOST_REQUESTS: u16 = 5_000;
/// How often a run starts each target: a start is short, and chance is a large part of it.
const STARTS: usize = 5;
/// How many lives a run has of a target that asks nobody else; the middle one
/// counts. Where the system puts the two processes differs from life to life, and
/// makes a request a quarter longer or shorter.
const SHORT_LIVES: usize = 9;
/// How many requests are counted for allocations, after one that is not.
const COUNTED: usize = 20;

/// What the columns are, for `--help`.
const FIGURES: &str = "\
Each target's process is started anew in each run, and the targets take turns. A
Runtime API server in this process hands it one event after the other.

  poll      from starting it to its asking for the first event: Init
  resp      from starting it to having its first answer
  p50 …     warm, from handing over an event to having read the answer
  req/s     warm answers a second, one after the other
  peak      the most memory that the process has held
  zip       the program, deflated as it is uploaded
  allocs    allocations of a warm request inside `handle`

Figures are medians over the runs. Ratios are to the empty function in the same run,
and hold on another machine better than times do. A whole run, with none of --runs,
--requests, --only and --quick, is kept in docs/load-testing/bench.json.";

/// What to measure.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = FIGURES)]
pub struct Options {
    /// How often each target is started and measured [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=100))]
    pub runs: Option<u16>,

    /// How many warm requests a run times [default: 2000, with --quick 200]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=i64::from(MOST_REQUESTS)))]
    pub requests: Option<u16>,

    /// Only these, and the empty function
    #[arg(long, value_name = "NAME", num_args = 1.., value_enum)]
    pub only: Vec<Target>,

    /// A quick look: too few requests for the rare slow ones
    #[arg(long)]
    pub quick: bool,

    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,

    /// Print what has changed against an earlier run's JSON, too
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
}

/// Measures, prints, and ends every process that it started.
///
/// # Errors
///
/// Fails if something does not build, start or answer. The error says what to do.
pub async fn run(options: Options) -> Result<(), Error> {
    serve::adopt_orphans();
    let stopped = serve::stop_requested().map_err(serve::Error::Signals)?;
    let outcome = tokio::select! {
        outcome = bench(&options) => outcome,
        () = stopped => Err(Error::Stopped),
    };
    serve::end_descendants().await;
    outcome
}

async fn bench(options: &Options) -> Result<(), Error> {
    let earlier = options.compare.as_deref().map(read).transpose()?;
    let workspace = Workspace::load().await?;
    let release = build::programs(&workspace).await?;
    let folder = workspace.target.join("bench");
    let failed = |path: &Path, source| Error::Log { path: path.to_owned(), source };
    std::fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;

    let clock = Clock::machine();
    let machine = Machine::describe(&workspace.root, &clock).await;
    let bench = Bench { release, folder, clock, plan: options.plan(), targets: options.targets() };
    let results = bench.measure(machine).await?;

    if options.is_whole() {
        load_testing::keep_bench(&workspace.root, &results)?;
        eprintln!("kept in docs/load-testing, and written down in docs/load-testing.md");
    }
    if options.json {
        print!("{}", json(&results));
    } else {
        print!("{}", tables::of(&results));
    }
    if let Some(earlier) = earlier {
        let changes = tables::changes(&earlier, &results);
        if options.json { eprint!("{changes}") } else { print!("{changes}") }
    }
    Ok(())
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

    /// Lists what is measured, the empty function first.
    fn targets(&self) -> Vec<Target> {
        let is_wanted = |target: &Target| {
            *target == Target::Empty || self.only.is_empty() || self.only.contains(target)
        };
        Target::ALL.into_iter().filter(is_wanted).collect()
    }

    /// Whether the results are worth keeping.
    fn is_whole(&self) -> bool {
        !self.quick && self.only.is_empty() && self.runs.is_none() && self.requests.is_none()
    }
}

struct Bench {
    release: PathBuf,
    folder: PathBuf,
    clock: Clock,
    plan: Plan,
    targets: Vec<Target>,
}

/// The worlds of one run.
struct Worlds {
    filled: World,
    cold: World,
    large: World,
}

impl Bench {
    async fn measure(&self, machine: Machine) -> Result<Results, Error> {
        let mut targets = Vec::new();
        let mut sizes = BTreeMap::new();
        for target in &self.targets {
            let program = target.program();
            let size = match sizes.get(program) {
                Some(size) => *size,
                None => *sizes.entry(program).or_insert(size_of(&self.release.join(program))?),
            };
            targets.push(Measured::new(*target, size.binary_bytes, size.zip_bytes));
        }
        let mut server = Vec::new();
        for run in 1..=self.plan.runs {
            let mut worlds = self.worlds().await?;
            eprintln!("run {run} of {}", self.plan.runs);
            let requests = self.plan.requests;
            let events = vec![visitors::look(); self.asked()];
            let alone = worlds.filled.questions(events, self.asked() - requests - 1, 200);
            server.extend(server_alone(alone).await?);
            for measured in &mut targets {
                eprintln!("  {}", measured.target);
                measured.runs.push(self.run(measured.target, &mut worlds).await?);
                if run == 1 {
                    measured.allocations = self.allocations(measured.target, &mut worlds).await?;
                }
            }
        }
        let mut results = Results { machine, plan: self.plan, server, targets, notes: Vec::new() };
        results.summarize();
        results.notes = tables::notes(&results);
        Ok(results)
    }

    async fn worlds(&self) -> Result<Worlds, Error> {
        let start = |kind| World::start(kind, &self.folder, &self.clock);
        let mut worlds = Worlds {
            filled: start(Kind::Filled).await?,
            cold: start(Kind::Cold).await?,
            large: start(Kind::Large).await?,
        };
        let checkout = worlds.filled.program(&self.release, "checkout", &self.folder);
        worlds.filled.fill(checkout).await?;
        Ok(worlds)
    }

    /// Returns how many events a process is given: the first, some that are not
    /// timed, and those that are.
    const fn asked(&self) -> usize {
        1 + self.plan.requests / 20 + self.plan.requests
    }

    /// Runs one target: a few starts, and one life or the middle one of some.
    async fn run(&self, target: Target, worlds: &mut Worlds) -> Result<results::Run, Error> {
        let mut starts = Vec::with_capacity(STARTS);
        for _ in 1..STARTS {
            starts.push(self.life(target, worlds, 1).await?.run);
            if target == Target::AvailabilityCold {
                // What was read is in the table now.
                worlds.cold = World::start(Kind::Cold, &self.folder, &self.clock).await?;
            }
        }
        let asked = self.asked();
        let mut run = match target {
            Target::AvailabilityCold => self.life(target, worlds, 1).await?.run,
            // What is deployed starts; a clock that jumps makes the rest.
            Target::AvailabilityL2 => {
                let start = self.life(target, worlds, 1).await?.run;
                let world = &worlds.filled;
                let program = world.program(&self.release, "probes", &self.folder);
                let events = vec![visitors::look(); asked];
                let untimed = asked - self.plan.requests - 1;
                let life = live(program, world.questions(events, untimed, 200)).await?;
                results::Run { warm: life.run.warm, ..start }
            }
            Target::Empty | Target::AvailabilityL1 => {
                let mut lives = Vec::with_capacity(SHORT_LIVES);
                for _ in 0..SHORT_LIVES {
                    lives.push(self.life(target, worlds, asked).await?.run);
                }
                let p50 = |run: &results::Run| run.warm.map_or(f64::MAX, |warm| warm.p50_us);
                lives.sort_by(|one, other| p50(one).total_cmp(&p50(other)));
                lives.swap_remove(SHORT_LIVES / 2)
            }
            _ => self.life(target, worlds, asked).await?.run,
        };
        starts.push(run);
        run.start_to_first_poll_ms = middle(&starts, |run| run.start_to_first_poll_ms);
        run.start_to_first_response_ms = middle(&starts, |run| run.start_to_first_response_ms);
        Ok(run)
    }

    /// Runs the deployed program of a target for so many requests.
    async fn life(&self, target: Target, worlds: &mut Worlds, asked: usize) -> Result<Life, Error> {
        let events = self.events(target, worlds, asked).await?;
        let untimed = asked.saturating_sub(self.plan.requests + 1);
        let world = worlds.of(target);
        let program = world.program(&self.release, target.program(), &self.folder);
        let status = if target == Target::CheckoutBody { 201 } else { 200 };
        live(program, world.questions(events, untimed, status)).await
    }

    async fn events(
        &self,
        target: Target,
        worlds: &mut Worlds,
        count: usize,
    ) -> Result<Vec<String>, Error> {
        Ok(match target {
            Target::CheckoutBare => vec![visitors::pay_bare_deposit(); count],
            Target::CheckoutBody => worlds.large.bookings(count),
            Target::Webhook => {
                let checkout = worlds.large.program(&self.release, "checkout", &self.folder);
                worlds.large.payments(checkout, count).await?
            }
            Target::Empty
            | Target::AvailabilityL1
            | Target::AvailabilityL2
            | Target::AvailabilityCold => vec![visitors::look(); count],
        })
    }

    /// Counts what a target's warm requests allocate.
    async fn allocations(&self, target: Target, worlds: &mut Worlds) -> Result<Vec<u64>, Error> {
        if matches!(target, Target::Empty | Target::AvailabilityCold) {
            return Ok(Vec::new());
        }
        let events = self.events(target, worlds, COUNTED + 1).await?;
        let world = worlds.of(target);
        let program = world.program(&self.release, "probes", &self.folder);
        let printed = ask(&program, target.name(), events.join("\n")).await?;
        let counts = printed.lines().filter_map(|line| {
            let (status, count) = line.split_once(' ')?;
            status.starts_with('2').then(|| count.parse().ok())?
        });
        Ok(counts.skip(1).collect())
    }
}

impl Worlds {
    fn of(&self, target: Target) -> &World {
        match target {
            Target::Empty | Target::AvailabilityL1 | Target::AvailabilityL2 => &self.filled,
            Target::AvailabilityCold => &self.cold,
            Target::CheckoutBare | Target::CheckoutBody | Target::Webhook => &self.large,
        }
    }
}

fn middle(runs: &[results::Run], value: impl Fn(&results::Run) -> f64) -> f64 {
    let values: Vec<f64> = runs.iter().map(value).collect();
    Spread::of(&values).map_or(0.0, |spread| spread.median)
}

fn read(path: &Path) -> Result<Results, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Log { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|source| Error::NotResults { path: path.to_owned(), source })
}

fn json(results: &Results) -> String {
    let json = serde_json::to_string_pretty(results).expect("its keys are texts");
    json + "\n"
}
