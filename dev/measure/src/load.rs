//! `cargo dev load`: the functions under load, on this machine.
//!
//! They run as they are deployed, built for release, under `cargo lambda watch`, with the
//! embedded database and the payment sandbox. The figures are those of this machine, the
//! emulator and the functions together; `docs/load-testing.md` says what belongs to which.
//!
//! | module | contents |
//! |---|---|
//! | `ladders`, `stripe_limit`, `crowd`, `flood`, `soak` | the scenarios |
//! | `test_bed` | the running functions, and warming them up |
//! | `oha` | the load generator for plain requests |
//! | `audit` | compares the replies with the table and with the sandbox |
//! | `charges` | what the visitors were charged |
//! | `reply_counts` | summarizes replies |

mod audit;
mod charges;
mod crowd;
mod flood;
mod ladders;
mod oha;
mod reply_counts;
mod soak;
mod stripe_limit;
mod test_bed;

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Parser, ValueEnum};
use dev::serve::{self, LoadTarget, Workspace};
use openchair::clock::Clock;

use self::oha::Oha;
use self::test_bed::{FunctionClient, TestBed};
use crate::bar;
use crate::busy_salon::{self, Slots};
use crate::measure_error::{Context as _, Error};
use crate::results::Results;

const RESULTS_FILE: &str = "load.json";
const EMPTY: &str = "empty";
/// The sandbox's latency, similar to Stripe's.
const STRIPE_LATENCY_MS: u64 = 500;
/// Requests per second that Stripe allows on an endpoint.
const STRIPE_LIMIT: u32 = 25;

pub(crate) const BARS: &str = "
availability by connections | 8 | requests/s | at least 0.95 × | the bill, as for the warm p50 of one process
checkout by clients | 1, 2, 4, 8, 16, 32 | p50, ms | at most 515 | a visitor who waits for the payment page: 500 ms of it are Stripe's
checkout by clients | 1, 2, 4, 8, 16, 32 | answers other than 201 | at most 0 | the same visitor, and the figure above
checkout by clients | 1, 2, 4, 8, 16, 32 | clients without a container | at most 0 | the figure above: on Lambda nobody waits for a container
limit: visitors | checkout | sessions, % of Stripe's limit | at least 95 | a salon in a rush: retries must not waste what Stripe allows
limit: visitors | checkout | answers without a next step | at most 0 | a visitor who has to know when to come back: 429 or 503 with Retry-After, no 500
crowd: visitors | crowd | failures | at most 0 | a visitor on the day when the salon's times go on sale: no 5xx except stripe_busy
crowd: visitors | crowd | booked | at least 1 | the salon, which has free times
crowd: visitors | crowd | holds beyond booked and gave up | at most 0 | the salon, whose chairs stay empty because of holds that nobody can pay
audit | limit, crowd | contradictions | at most 0 | everyone: a paid time must not be sold twice
audit | flood | overlaps | at most 0 | as above
flood: salon | flood | times held unpaid, %, median | at least 99 | the bars below, which mean nothing in a salon with free times: without standing by, a visitor finds nothing
flood: visitors | flood | held unpaid at that moment, % | at least 90 | as above, for the times that the visitors ask for
flood: visitors | flood | neither | at most 0 | a visitor of a salon whose times somebody holds: each is booked, unless somebody else has paid
flood: visitors | flood | failures | at most 0 | the same visitor: no 5xx except stripe_busy
flood: time in line | looks at the booking | longest, s | at most 75 | the same visitor, who waits: a hold of 60 s, 5 s between two looks, and Stripe's answers
flood: time in line | closes the page | longest, s | at most 210 | a visitor who has left: a hold of 60 s, 120 s until the schedule, and the 30 s in which a run starts
charges | crowd, flood | charged and refunded | at most 0 | the salon, which does not get Stripe's fee back, and a visitor who paid for nothing
charges | crowd, flood | charged without a booking | at most 0 | a visitor who has paid
charges | crowd, flood | authorisations left | at most 0 | a visitor whose limit on the card is used up
soak | availability, checkout | growth beyond the empty function's, KiB | at most 256 | a container that lives for hours; an allocator takes some pages
soak | availability, checkout | descriptors gained | at most 0.99 | a container that lives for hours: Lambda allows 1,024 descriptors
";

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Run fewer and shorter steps, in less than 6 minutes
    #[arg(long)]
    pub quick: bool,

    /// Run only these scenarios
    #[arg(long, value_enum, value_name = "SCENARIO", num_args = 1.., value_delimiter = ',')]
    pub only: Vec<Scenario>,

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
    /// 50 visitors beside an attacker who holds every time and never pays: 5 minutes
    Flood,
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
        print!("{}", Results::load(&workspace.root, RESULTS_FILE)?.report(BARS));
        return Ok(());
    }
    if !Path::new("/proc/self/exe").exists() {
        return Err(Error::new(
            "`cargo dev load` watches processes in /proc, which only Linux has",
        ));
    }
    let mut results = Results::default();
    let outcome = crate::until_stopped(Box::pin(measure(&options, &mut results))).await;
    if !results.conditions.is_empty() {
        print!("{}", results.report(BARS));
    }
    outcome?;
    let missed = bar::missed(BARS, &results);
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Error::new(format!("missed: {}", missed.join("; "))))
    }
}

/// Runs the requested scenarios, and adds their figures to `results` as they are known.
async fn measure(options: &Options, results: &mut Results) -> Result<(), Error> {
    let clock = Clock::machine();
    let target = LoadTarget::build(&[EMPTY]).await?;
    let is_wanted =
        |scenario: &&Scenario| options.only.is_empty() || options.only.contains(scenario);
    let scenarios: Vec<_> = Scenario::value_variants().iter().filter(is_wanted).collect();
    let mut extent = if options.quick { "quick" } else { "full" }.to_owned();
    let mut oha = None;
    if scenarios.iter().any(|scenario| scenario.sends_plain_requests()) {
        let found = Oha::find_or_install(&target.tools()).await?;
        extent = format!("{extent}; plain requests by {}", found.version);
        oha = Some(found);
    }
    *results = Results::new(target.root(), &clock, &extent).await;
    let load_test = LoadTest { options, target: &target, oha, clock };
    for scenario in scenarios {
        for containers in scenario.containers(options.quick) {
            load_test.run(*scenario, containers, results).await?;
        }
    }
    if !options.quick && options.only.is_empty() {
        results.save(target.root(), RESULTS_FILE)?;
    }
    Ok(())
}

impl Scenario {
    const fn sends_plain_requests(self) -> bool {
        matches!(self, Self::Availability | Self::Soak)
    }

    /// Returns the number of containers of each function, once per start of the functions.
    ///
    /// Each number of checkout clients gets functions of its own: where more containers are
    /// allowed, the emulator keeps starting them, and that takes more CPU than the measured
    /// requests.
    fn containers(self, is_quick: bool) -> Vec<u16> {
        match self {
            Self::Availability => vec![ladders::CONTAINERS],
            Self::Checkout => ladders::checkout_clients(is_quick).to_vec(),
            Self::Limit => vec![stripe_limit::in_flight(is_quick)],
            Self::Crowd => vec![crowd::CONTAINERS],
            Self::Flood => vec![flood::CONTAINERS],
            Self::Soak => vec![soak::CONTAINERS],
        }
    }
}

#[derive(Debug)]
struct LoadTest<'a> {
    options: &'a Options,
    target: &'a LoadTarget,
    /// For the scenarios that send plain requests.
    oha: Option<Oha>,
    clock: Clock,
}

impl LoadTest<'_> {
    /// Starts the functions, runs a scenario, and stops the functions.
    async fn run(
        &self,
        scenario: Scenario,
        containers: u16,
        results: &mut Results,
    ) -> Result<(), Error> {
        let mut options = self.serve_options(containers);
        match scenario {
            // These need a salon whose times never run out, and set Stripe's limit themselves.
            Scenario::Checkout | Scenario::Limit => {
                options.salon = Some(self.target.keep_salon(&busy_salon::salon_file())?);
                options.stripe_rate = 0;
            }
            Scenario::Flood => {
                options.salon = Some(self.target.keep_salon(&flood::salon_file())?);
            }
            Scenario::Availability | Scenario::Crowd | Scenario::Soak => {}
        }
        let (mut running, salon) = self.target.start(&options).await?;
        let bed = TestBed {
            test: self,
            salon,
            sandbox: running.sandbox().clone(),
            store: running.store(),
            client: FunctionClient::new(options.api_url())?,
            slots: Arc::new(Slots::after(self.clock.now())),
        };
        let scenario = async {
            match scenario {
                Scenario::Availability => ladders::availability(&bed, results).await,
                Scenario::Checkout => ladders::checkout(&bed, containers, results).await,
                Scenario::Limit => stripe_limit::run(&bed, containers, results).await,
                Scenario::Crowd => crowd::run(&bed, results).await,
                Scenario::Flood => flood::run(&bed, results).await,
                Scenario::Soak => soak::run(&bed, results).await,
            }
        };
        let outcome = tokio::select! {
            outcome = scenario => outcome,
            source = running.failed() => Err(source).with_context(|| {
                let log = self.target.log().display();
                format!("the load test ended early; the output of the functions is in {log}")
            }),
        };
        running.stop().await;
        outcome
    }

    fn serve_options(&self, concurrency: u16) -> serve::Options {
        #[derive(Parser)]
        struct Serve {
            #[command(flatten)]
            options: serve::Options,
        }
        let Options { api_port, dynamodb_port, sandbox_port, .. } = *self.options;
        serve::Options {
            api_port,
            dynamodb_port,
            sandbox_port,
            // No scenario uses a calendar or sends mail.
            google_port: 0,
            mail_port: 0,
            concurrency,
            stripe_latency_ms: STRIPE_LATENCY_MS,
            stripe_rate: STRIPE_LIMIT,
            ..Serve::parse_from(["serve", "--release", "--fresh"]).options
        }
    }
}
