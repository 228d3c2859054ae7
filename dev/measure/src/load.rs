//! `cargo dev load`: the functions under load, on this machine.
//!
//! They run as they are deployed, optimized, behind `cargo lambda watch`, on the
//! embedded database and the payment sandbox. What is measured here is this
//! machine, the emulator and the functions together; what an emulator has not is
//! in `docs/load-testing.md`.
//!
//! | module | what is in it |
//! |---|---|
//! | `availability`, `checkout`, `limit`, `crowd`, `soak` | the scenarios |
//! | `stage` | what they play on, and warming it up |
//! | `oha` | the generator of plain requests |
//! | `visitors` | those who book, each from an address of their own |
//! | `busy_salon` | a salon whose times never run out |
//! | `containers` | the functions' processes |
//! | `accounts` | the answers, the table and the sandbox's books, compared |
//! | `tally` | counting answers |
//! | `results`, `verdicts`, `report` | what was measured, whether it is enough, and how it is told |

mod accounts;
mod availability;
mod busy_salon;
mod checkout;
mod containers;
mod crowd;
mod error;
mod limit;
mod oha;
mod report;
pub mod results;
mod soak;
mod stage;
mod tally;
pub mod verdicts;
mod visitors;

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use openchair::clock::Clock;
use tokio::time::Instant;

use self::busy_salon::Slots;
use self::checkout::Diary;
pub use self::error::Error;
use self::oha::Oha;
use self::results::{CheckoutResults, LoadResults};
use self::stage::Stage;
use self::visitors::Visitors;
use crate::load_testing;
use crate::machine::Machine;
use dev::serve::{self, LoadTarget};
use stand_ins::sandbox::{Debits, Refunds, Webhooks};

/// The function that does nothing.
const EMPTY: &str = "empty";
/// How long the sandbox takes to answer: about as long as Stripe.
const STRIPE_LATENCY_MS: u64 = 500;
const STRIPE_LATENCY: Duration = Duration::from_millis(STRIPE_LATENCY_MS);
/// Requests a second that Stripe's test mode allows.
const STRIPE_RATE: u32 = 25;

/// What to put under load.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A first look: fewer and shorter steps, in less than 3 minutes
    #[arg(long)]
    pub quick: bool,

    /// Only these scenarios
    #[arg(long, value_enum, value_name = "SCENARIO", num_args = 1.., value_delimiter = ',')]
    pub only: Vec<Scenario>,

    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,

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

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Availability at 1 to 64 clients, beside the empty function: 8 minutes
    Availability,
    /// Checkout at 1 to 100 clients, at a Stripe without a limit: 4 minutes
    Checkout,
    /// Checkout at four times Stripe's limit: 2 minutes
    Limit,
    /// 500 visitors who want the same Saturday: half a minute
    Crowd,
    /// A steady load, with memory and descriptors watched: 10 minutes
    Soak,
}

/// Runs the scenarios, prints what was measured, and keeps it after a full run.
///
/// # Errors
/// Fails if a scenario cannot be played, if a bar is missed, and at Ctrl-C, after
/// which what was measured by then has been printed.
pub async fn run(options: Options) -> Result<(), Error> {
    if !Path::new("/proc/self/exe").exists() {
        return Err(Error::NoProc);
    }
    serve::adopt_orphans();
    let stopped = serve::stop_requested().map_err(serve::Error::Signals)?;
    tokio::pin!(stopped);
    let begun = Instant::now();
    let mut results = None;
    let outcome = tokio::select! {
        outcome = measure(&options, &mut results) => outcome,
        () = &mut stopped => Err(Error::Interrupted),
    };
    serve::end_descendants().await;
    let Some(results) = results else { return outcome };
    eprintln!("after {:.0} s", begun.elapsed().as_secs_f64());
    if options.json {
        println!("{}", to_json(&results));
    } else {
        print!("{}", report::report(&results));
    }
    outcome?;
    let missed: Vec<String> = verdicts::verdicts(&results)
        .into_iter()
        .filter(|verdict| !verdict.is_met)
        .map(|verdict| verdict.what)
        .collect();
    if missed.is_empty() { Ok(()) } else { Err(Error::Missed(missed.join("; "))) }
}

/// Plays the scenarios that are asked for. What each has measured is in `results`
/// as soon as it is known.
async fn measure(options: &Options, results: &mut Option<LoadResults>) -> Result<(), Error> {
    let clock = Clock::machine();
    let rig = LoadTarget::build(&[EMPTY]).await?;
    let oha = Oha::find_or_install(&rig.tools()).await?;
    let results = results.insert(LoadResults {
        machine: Machine::describe(rig.root(), &clock).await,
        is_quick: options.quick,
        generator: oha.version.clone(),
        availability: None,
        checkout: None,
        limit: None,
        crowd: None,
        soak: None,
    });
    let play = Play { options, rig: &rig, oha: &oha, clock };
    if play.wants(Scenario::Availability) {
        play.availability(results).await?;
    }
    if play.wants(Scenario::Checkout) {
        play.checkout(results).await?;
    }
    if play.wants(Scenario::Limit) {
        play.limit(results).await?;
    }
    if play.wants(Scenario::Crowd) {
        play.crowd(results).await?;
    }
    if play.wants(Scenario::Soak) {
        play.soak(results).await?;
    }
    if !options.quick && options.only.is_empty() {
        load_testing::keep_load(rig.root(), results)?;
        eprintln!("kept in docs/load-testing, and written down in docs/load-testing.md");
    }
    Ok(())
}

/// What is played, and with what.
#[derive(Debug)]
struct Play<'a> {
    options: &'a Options,
    rig: &'a LoadTarget,
    oha: &'a Oha,
    clock: Clock,
}

impl Play<'_> {
    fn wants(&self, scenario: Scenario) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&scenario)
    }

    async fn availability(&self, results: &mut LoadResults) -> Result<(), Error> {
        self.on_stage(&self.serve_options(availability::CONTAINERS, STRIPE_RATE), async |stage| {
            stage.wake(&Stage::PLAIN).await?;
            availability::run(stage, &mut results.availability).await
        })
        .await
    }

    async fn crowd(&self, results: &mut LoadResults) -> Result<(), Error> {
        self.on_stage(&self.serve_options(crowd::CONTAINERS, STRIPE_RATE), async |stage| {
            stage.wake(&["availability", "checkout"]).await?;
            results.crowd = Some(crowd::run(stage).await?);
            Ok(())
        })
        .await
    }

    async fn checkout(&self, results: &mut LoadResults) -> Result<(), Error> {
        let measured = results
            .checkout
            .insert(CheckoutResults { stripe_latency_ms: STRIPE_LATENCY_MS, steps: Vec::new() });
        for &clients in checkout::clients(self.options.quick) {
            self.at_large_salon(clients, async |stage, diary| {
                measured.steps.push(checkout::run(stage, diary, clients).await);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn limit(&self, results: &mut LoadResults) -> Result<(), Error> {
        let in_flight = limit::in_flight(self.options.quick);
        self.at_large_salon(in_flight, async |stage, diary| {
            results.limit = Some(limit::run(stage, diary, in_flight, STRIPE_LATENCY_MS).await?);
            Ok(())
        })
        .await
    }

    /// Plays at a salon whose times do not run out, at a Stripe that has no limit,
    /// with as many containers as there are clients. A stage of its own for each
    /// number: where there may be more containers, the emulator goes on starting
    /// them, and that takes more of the machine than what is measured.
    async fn at_large_salon(
        &self,
        clients: u16,
        play: impl AsyncFnOnce(&Stage<'_>, &Diary) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let salon = Some(self.rig.keep_salon(&busy_salon::file())?);
        let options = serve::Options { salon, ..self.serve_options(clients, 0) };
        self.on_stage(&options, async |stage| {
            let diary = Diary::new(Slots::after(self.clock.now()));
            stage.wake(&["checkout"]).await?;
            stage.warm_checkout(&diary, clients).await?;
            play(stage, &diary).await
        })
        .await
    }

    async fn soak(&self, results: &mut LoadResults) -> Result<(), Error> {
        self.on_stage(&self.serve_options(soak::CONTAINERS, STRIPE_RATE), async |stage| {
            stage.wake(&["availability", EMPTY, "checkout"]).await?;
            results.soak = Some(soak::run(stage).await?);
            Ok(())
        })
        .await
    }

    /// Starts the functions, plays on them, and ends them.
    async fn on_stage(
        &self,
        options: &serve::Options,
        play: impl AsyncFnOnce(&Stage<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut running, salon) = self.rig.start(options).await?;
        let stage = Stage {
            rig: self.rig,
            oha: self.oha,
            api_url: options.api_url(),
            salon,
            sandbox: running.sandbox().clone(),
            store: running.store(),
            visitors: Visitors::new(&options.api_url())?,
            clock: self.clock.clone(),
            is_quick: self.options.quick,
        };
        let outcome = tokio::select! {
            outcome = play(&stage) => outcome,
            source = running.failed() => {
                Err(Error::Stopped { log: self.rig.log().to_owned(), source: source.into() })
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
            // Neither is served, and no function that is played asks for them.
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

fn to_json(results: &LoadResults) -> String {
    serde_json::to_string_pretty(results).expect("numbers and text are always JSON")
}
