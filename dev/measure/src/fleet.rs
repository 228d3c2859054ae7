//! The deployed system at any number of visits a day: on paper, and simulated.
//!
//! A visit is what `visit` says that a visitor asks for. Visitors come at
//! random, more of them in the evening (`arrivals`). Each request takes a
//! container of its function for itself; a container is kept for some minutes
//! and has a snapshot for one; calendars are read under a lease (`simulation`).
//! How long things take is what `cargo dev bench` has measured, at the share of
//! a CPU that Lambda gives, and waits that are AWS's, Stripe's and Google's
//! (`times`). `paper` says the same in closed forms, as far as they go.
//!
//! Up to 100,000 visits a day whole days are simulated. Beyond, two windows are,
//! in the quietest and in the busiest hour, and the hours between lie on a
//! straight line between them. The same seeds are used always, so the same
//! figures come out.
//!
//! What it leaves out: `notify` and `reconcile` have no containers here, only
//! costs; containers that Lambda replaces at will; requests that are refused, as
//! the rows beyond a limit show what would be if it were raised.

mod arrivals;
mod cost;
mod limits;
mod paper;
mod prices;
mod simulation;
mod table;
mod times;
mod visit;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

pub use self::cost::{Bill, DAYS, Line};
pub use self::limits::Limit;
pub use self::paper::Paper;
pub use self::prices::Price;
pub use self::times::{
    ENVIRONMENT, KEPT, MEMORY_MB, Measured, MemorySize, OnLambda, PEOPLE, WHOLE_CPU_MB,
};
pub use self::visit::{Asked, Function, requests_per_visit};

use self::arrivals::{Days, HOURS, Window, peak, quiet};
use self::simulation::{Counts, SETTLED, Seen};
use self::times::Times;
use crate::load_testing;

/// The visits a day that are modelled.
const VISITS: [f64; 8] = [10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
/// The sizes of memory that are compared, in MB.
const MEMORY_SIZES: [f64; 5] = [128.0, MEMORY_MB, 512.0, 1024.0, WHOLE_CPU_MB];
/// The most visits of which whole days are simulated.
const WHOLE_DAYS: f64 = 1e5;
/// How many visits make days enough, and how many days are.
const ENOUGH_VISITS: f64 = 2e4;
const ENOUGH_DAYS: f64 = 100.0;

/// What to print.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Where the workspace is
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub root: PathBuf,
}

/// The system at rising numbers of visits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// How long the functions take.
    pub measured: Measured,
    /// What that makes on Lambda, at the memory that the template gives.
    pub on_lambda: Vec<OnLambda>,
    /// What other sizes of memory would make of it.
    pub memory_sizes: Vec<MemorySize>,
    /// What was simulated, from few visits to many.
    pub rows: Vec<Row>,
    /// What ends first.
    pub limits: Vec<Limit>,
}

/// The system at one number of visits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Visits a day.
    pub visits: f64,
    /// Requests/s in the busiest hour.
    pub peak_requests_a_second: f64,
    /// The most containers, of each function in the order of [`Function::ALL`].
    pub containers: [u32; 3],
    /// The share of all requests that start a container.
    pub cold_share: f64,
    /// The share of availability's requests that do.
    pub availability_cold_share: f64,
    /// The share of the answers about times that the container has.
    pub l1_share: f64,
    /// The share of looks at a calendar that the table answers.
    pub l2_share: f64,
    /// Snapshots a day.
    pub snapshots_a_day: f64,
    /// Read units of the table a day.
    pub read_units_a_day: f64,
    /// How often calendars are read a day, and person.
    pub calendar_reads_a_day_and_person: f64,
    /// What a month costs.
    pub bill: Bill,
    /// What the formulas say.
    pub paper: Paper,
}

impl Fleet {
    /// Simulates it.
    #[must_use]
    pub fn new(measured: Measured) -> Self {
        let times = Times::new(&measured);
        let rows = VISITS.into_iter().map(|visits| Row::new(visits, &times)).collect();
        let on_lambda = [Asked::OpenTime, Asked::Checkout, Asked::Event];
        Self {
            on_lambda: on_lambda.map(|asked| OnLambda::new(asked, &times)).into(),
            memory_sizes: MEMORY_SIZES.map(|mb| MemorySize::new(&measured, mb)).into(),
            rows,
            limits: limits::limits(&times),
            measured,
        }
    }
}

impl Row {
    fn new(visits: f64, times: &Times) -> Self {
        let Seen { counts: day, containers } = a_day(visits, times);
        let requests: f64 = day.requests.iter().sum();
        let availability = Function::Availability;
        Self {
            visits,
            peak_requests_a_second: visits / 86_400.0 * peak() * requests_per_visit(),
            containers,
            cold_share: day.cold.iter().sum::<f64>() / requests,
            availability_cold_share: day.cold[availability.index()] / day.invocations(availability),
            l1_share: day.hits / (day.hits + day.misses),
            l2_share: 1.0 - day.calendars_read / day.calendars_looked_at,
            snapshots_a_day: day.snapshots,
            read_units_a_day: day.read_units,
            calendar_reads_a_day_and_person: day.calendars_read / f64::from(PEOPLE),
            bill: Bill::new(&day),
            paper: Paper::new(visits, times),
        }
    }

    /// Returns what a million visits cost, apart from what a month costs without
    /// any, in dollars.
    #[must_use]
    pub fn dollars_a_million(&self) -> f64 {
        (self.bill.dollars() - self.bill.fixed_dollars()) / (self.visits * DAYS) * 1e6
    }

    /// Returns the most containers of all functions.
    #[must_use]
    pub fn all_containers(&self) -> u32 {
        self.containers.iter().sum()
    }
}

/// Simulates days, or hours of one, and returns what an average day has.
fn a_day(visits: f64, times: &Times) -> Seen {
    if visits <= WHOLE_DAYS {
        let wanted = (ENOUGH_VISITS / visits).clamp(1.0, ENOUGH_DAYS);
        let days = (1..=100).find(|days| f64::from(*days) >= wanted).unwrap_or(1);
        let seen = simulation::run(Days::new(visits, days, 1), times, PEOPLE, 0.0, 2);
        let counts = Counts::default().plus(&seen.counts, 1.0 / f64::from(days));
        return Seen { counts, ..seen };
    }
    // As long as containers are kept, after those have gone that the start needed.
    let window = |hour: f64| {
        let requests = Window::new(visits / 86_400.0 * hour, SETTLED + KEPT, 1);
        simulation::run(requests, times, PEOPLE, SETTLED, 2)
    };
    let (busiest, quietest) = (window(peak()), window(quiet()));
    let share: f64 = HOURS.into_iter().map(|hour| (hour - quiet()) / (peak() - quiet())).sum();
    let counts = Counts::default()
        .plus(&busiest.counts, share * 3600.0 / KEPT)
        .plus(&quietest.counts, (24.0 - share) * 3600.0 / KEPT);
    Seen { counts, ..busiest }
}

/// Prints the model, with the times of `docs/load-testing/bench.json` if it is
/// there.
///
/// # Errors
/// When that file cannot be read.
pub fn run(options: &Options) -> Result<(), load_testing::Error> {
    let bench = load_testing::kept_bench(&options.root)?;
    let measured = bench.as_ref().map_or_else(Measured::assumed, Measured::of);
    let fleet = Fleet::new(measured);
    if options.json {
        let json = serde_json::to_string_pretty(&fleet).map_err(load_testing::Error::Json)?;
        println!("{json}");
    } else {
        print!("{}", table::text(&fleet));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
