//! `cargo dev load`: the functions under load, on this machine.
//!
//! They run as they are deployed, built for release, under `cargo lambda watch`, with the
//! embedded database and the payment sandbox. The figures are those of this machine, the
//! emulator and the functions together; `docs/load-testing.md` says what belongs to which.
//!
//! | module | contents |
//! |---|---|
//! | `ladders`, `stripe_limit`, `crowd`, `soak` | the scenarios |
//! | `test_bed` | the running functions, and warming them up |
//! | `oha` | the load generator for plain requests |
//! | `function_client` | requests of visitors, each from an address of its own |
//! | `containers` | the functions' processes |
//! | `audit` | compares the answers with the table and with the sandbox |
//! | `tally` | counts answers |
//! | `load_results`, `load_bars`, `load_report` | the results, and how they are judged and printed |

mod audit;
mod containers;
mod crowd;
mod function_client;
mod ladders;
mod load_bars;
mod load_error;
mod load_report;
mod load_results;
mod oha;
mod soak;
mod stripe_limit;
mod tally;
mod test_bed;

use std::path::Path;

use clap::{Args, ValueEnum};
use openchair::clock::Clock;

use self::function_client::FunctionClient;
pub use self::load_error::Error;
use self::load_results::{AvailabilityResults, CheckoutResults, LoadResults};
use self::oha::Oha;
use self::test_bed::{SharedSlots, TestBed};
use crate::busy_salon;
use crate::machine::Machine;
use crate::results_file;
use dev::serve::{self, LoadTarget, Workspace};
use stand_ins::sandbox::{Debits, Refunds, Webhooks};

const RESULTS_FILE: &str = "load.json";
/// The function that does nothing.
const EMPTY: &str = "empty";
/// The sandbox's latency, similar to Stripe's.
const STRIPE_LATENCY_MS: u64 = 500;
/// Requests per second that Stripe allows on an endpoint.
const STRIPE_LIMIT: u32 = 25;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Run fewer and shorter steps, in less than 3 minutes
    #[arg(long)]
    pub quick: bool,

    /// Run only these scenarios
    #[arg(long, value_enum, value_name = "SCENARIO", num_args = 1.., value_delimiter = ',')]
    pub only: Vec<Scenario>,

    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,

    /// Measure nothing, and print the results that are saved in docs/load-testing
    #[arg(long)]
    pub print_saved: bool,

    /// Port of the API
    #[arg(long, value_name = "PORT", default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    pub api_port: u16,

    /// Port of the embedded database
    #[arg(long, value_name = "PORT", default_value_t = 8000, value_parser = clap::value_parser!(u16).range(1..))]
    pub dynamodb_port: u16,

    /// Port of the payment sandbox
    #[arg(long, value_name = "PORT", default_value_t = 12_111, value_parser = clap::value_parser!(u16).range(1..))]
    pub sandbox_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Availability at 1 to 64 clients, beside the empty function: 8 minutes
    Availability,
    /// Checkout at 1 to 100 clients, with a Stripe without a limit: 4 minutes
    Checkout,
    /// Checkout at four times Stripe's limit: 2 minutes
    Limit,
    /// 500 visitors who want the same Saturday: half a minute
    Crowd,
    /// A steady load, with memory and descriptors watched: 10 minutes
    Soak,
}

/// Runs the scenarios, prints the results, and saves them after a full run.
///
/// # Errors
/// When a scenario cannot be run, when a bar is missed, and at Ctrl-C, after the results
/// so far have been printed.
pub async fn run(options: Options) -> Result<(), Error> {
    if options.print_saved {
        let workspace = Workspace::load().await?;
        print(&options, &results_file::load(&workspace.root, RESULTS_FILE)?);
        return Ok(());
    }
    if !Path::new("/proc/self/exe").exists() {
        return Err(Error::NoProc);
    }
    serve::adopt_orphans();
    let stopped = serve::stop_requested().map_err(serve::Error::Signals)?;
    tokio::pin!(stopped);
    let mut results = None;
    let outcome = tokio::select! {
        outcome = measure(&options, &mut results) => outcome,
        () = &mut stopped => Err(Error::Interrupted),
    };
    serve::end_descendants().await;
    let Some(results) = results else { return outcome };
    print(&options, &results);
    outcome?;
    let bars = load_bars::bars(&results).into_iter();
    let missed: Vec<String> = bars.filter(|bar| !bar.is_met).map(|bar| bar.what).collect();
    if missed.is_empty() { Ok(()) } else { Err(Error::Missed(missed.join("; "))) }
}

fn print(options: &Options, results: &LoadResults) {
    if options.json {
        print!("{}", results_file::to_json(results));
    } else {
        print!("{}", load_report::report(results));
    }
}

/// Runs the requested scenarios, and stores each result in `results` once it is known.
async fn measure(options: &Options, results: &mut Option<LoadResults>) -> Result<(), Error> {
    let clock = Clock::machine();
    let target = LoadTarget::build(&[EMPTY]).await?;
    let oha = Oha::find_or_install(&target.tools()).await?;
    let results = results.insert(LoadResults {
        machine: Machine::describe(target.root(), &clock).await,
        is_quick: options.quick,
        generator: oha.version.clone(),
        availability: None,
        checkout: None,
        limit: None,
        crowd: None,
        soak: None,
    });
    let load_test = LoadTest { options, target: &target, oha: &oha, clock };
    for scenario in Scenario::value_variants() {
        if options.only.is_empty() || options.only.contains(scenario) {
            load_test.run(*scenario, results).await?;
        }
    }
    if !options.quick && options.only.is_empty() {
        let path = results_file::save(target.root(), RESULTS_FILE, results)?;
        eprintln!("saved in {}", path.display());
    }
    Ok(())
}

#[derive(Debug)]
struct LoadTest<'a> {
    options: &'a Options,
    target: &'a LoadTarget,
    oha: &'a Oha,
    clock: Clock,
}

impl LoadTest<'_> {
    async fn run(&self, scenario: Scenario, results: &mut LoadResults) -> Result<(), Error> {
        match scenario {
            Scenario::Availability => {
                let rounds = ladders::rounds(self.options.quick);
                let steps = &mut results
                    .availability
                    .insert(AvailabilityResults { rounds, steps: Vec::new() })
                    .steps;
                let options = self.serve_options(ladders::CONTAINERS, STRIPE_LIMIT);
                self.with_functions(&options, async |bed| {
                    bed.wait_for(&["availability", EMPTY]).await?;
                    ladders::availability(bed, rounds, steps).await
                })
                .await
            }
            Scenario::Checkout => {
                let steps = &mut results
                    .checkout
                    .insert(CheckoutResults {
                        stripe_latency_ms: STRIPE_LATENCY_MS,
                        steps: Vec::new(),
                    })
                    .steps;
                for &clients in ladders::checkout_clients(self.options.quick) {
                    self.with_busy_salon(clients, async |bed, slots| {
                        steps.push(ladders::checkout(bed, slots, clients).await);
                        Ok(())
                    })
                    .await?;
                }
                Ok(())
            }
            Scenario::Limit => {
                let in_flight = stripe_limit::in_flight(self.options.quick);
                self.with_busy_salon(in_flight, async |bed, slots| {
                    results.limit = Some(stripe_limit::run(bed, slots, in_flight).await?);
                    Ok(())
                })
                .await
            }
            Scenario::Crowd => {
                let options = self.serve_options(crowd::CONTAINERS, STRIPE_LIMIT);
                self.with_functions(&options, async |bed| {
                    bed.wait_for(&["availability", "checkout"]).await?;
                    results.crowd = Some(crowd::run(bed).await?);
                    Ok(())
                })
                .await
            }
            Scenario::Soak => {
                let options = self.serve_options(soak::CONTAINERS, STRIPE_LIMIT);
                self.with_functions(&options, async |bed| {
                    bed.wait_for(&["availability", EMPTY, "checkout"]).await?;
                    results.soak = Some(soak::run(bed).await?);
                    Ok(())
                })
                .await
            }
        }
    }

    /// Runs a scenario in a salon whose times never run out, with a Stripe that has no
    /// limit, and with one container per client.
    ///
    /// Each number of clients gets functions of its own: where more containers are allowed,
    /// the emulator keeps starting them, and that takes more CPU than the measured requests.
    async fn with_busy_salon(
        &self,
        clients: u16,
        scenario: impl AsyncFnOnce(&TestBed<'_>, &SharedSlots) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let salon = Some(self.target.keep_salon(&busy_salon::salon_file())?);
        let options = serve::Options { salon, ..self.serve_options(clients, 0) };
        self.with_functions(&options, async |bed| {
            let slots = SharedSlots::after(self.clock.now());
            bed.wait_for(&["checkout"]).await?;
            bed.warm_checkout(&slots, clients).await?;
            scenario(bed, &slots).await
        })
        .await
    }

    /// Starts the functions, runs a scenario, and stops the functions.
    async fn with_functions(
        &self,
        options: &serve::Options,
        scenario: impl AsyncFnOnce(&TestBed<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut running, salon) = self.target.start(options).await?;
        let bed = TestBed {
            target: self.target,
            oha: self.oha,
            api_url: options.api_url(),
            salon,
            sandbox: running.sandbox().clone(),
            store: running.store(),
            client: FunctionClient::new(&options.api_url())?,
            clock: self.clock.clone(),
            is_quick: self.options.quick,
        };
        let outcome = tokio::select! {
            outcome = scenario(&bed) => outcome,
            source = running.failed() => {
                Err(Error::Ended { log: self.target.log().to_owned(), source: source.into() })
            }
        };
        running.stop().await;
        outcome
    }

    fn serve_options(&self, concurrency: u16, stripe_rate: u32) -> serve::Options {
        let Options { api_port, dynamodb_port, sandbox_port, .. } = *self.options;
        serve::Options {
            api_port,
            dynamodb_port,
            sandbox_port,
            // No scenario uses a calendar or sends mail.
            google_port: 0,
            mail_port: 0,
            release: true,
            concurrency,
            fresh: true,
            salon: None,
            calendar: None,
            stripe_latency_ms: STRIPE_LATENCY_MS,
            stripe_rate,
            webhooks: Webhooks::On,
            refunds: Refunds::Ok,
            debits: Debits::ByHand,
            allow_live_key: false,
        }
    }
}
