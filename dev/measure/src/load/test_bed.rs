//! The running functions of a scenario, and a client that invokes them.

use std::sync::Arc;
use std::time::Duration;

use openchair::store::DynamoStore;
use salon::Salon;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::Sandbox;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::LoadTest;
use super::reply_counts::ReplyCounts;
use crate::busy_salon::Slots;
use crate::measure_error::{Context as _, Error};
use crate::process_status::process_ids;
use crate::reply::Reply;

/// How long a function may take until its first answer, or until it has the wanted number
/// of processes.
const WARM_UP_TIMEOUT: Duration = Duration::from_mins(3);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Functions give up earlier, `reconcile` after a minute.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(65);

#[derive(Debug)]
pub(super) struct TestBed<'a> {
    pub(super) test: &'a LoadTest<'a>,
    pub(super) salon: Salon,
    pub(super) sandbox: Sandbox,
    pub(super) store: DynamoStore,
    pub(super) client: FunctionClient,
    /// Times of the busy salon.
    pub(super) slots: Arc<Slots>,
}

/// Invokes functions with the events of visitors.
///
/// `cargo lambda watch` sets the address of every HTTP request to 127.0.0.1, so all
/// visitors would share one address's limit of unpaid holds. Therefore their events go
/// to the function's invocations, as API Gateway writes them.
#[derive(Clone, Debug)]
pub(super) struct FunctionClient {
    client: reqwest::Client,
    api_url: String,
}

impl FunctionClient {
    pub(super) fn new(api_url: String) -> Result<Self, Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(RESPONSE_TIMEOUT).build();
        Ok(Self { client: client.context("could not set up an HTTP client")?, api_url })
    }

    /// Sends an event to a function, and waits for the reply.
    pub(super) async fn send(&self, function: &str, event: &GatewayEvent) -> Reply {
        let sent = Instant::now();
        let received = self.invoke(function, event.json()).await;
        let latency = sent.elapsed();
        match received {
            Ok(bytes) => Reply { latency, ..Reply::read(&bytes) },
            Err(error) => {
                let code = if error.is_timeout() { "timeout" } else { "no_connection" };
                Reply { code: Some(code.to_owned()), latency, ..Reply::default() }
            }
        }
    }

    /// Invokes the function of a schedule, and waits for its end.
    pub(super) async fn run_schedule(&self, function: &str) -> Result<(), Error> {
        let output = self.invoke(function, "{}".to_owned()).await;
        let output = output.with_context(|| format!("could not invoke {function}"))?;
        if output == b"null" {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output);
        Err(Error::new(format!("a run of {function} failed: {output}")))
    }

    async fn invoke(&self, function: &str, event: String) -> reqwest::Result<Vec<u8>> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.api_url);
        Ok(self.client.post(url).body(event).send().await?.bytes().await?.into())
    }
}

impl TestBed<'_> {
    /// Returns one of two values: for a full test, or for a quick one.
    pub(super) fn either<T>(&self, full: T, quick: T) -> T {
        if self.test.options.quick { quick } else { full }
    }

    /// Counts the processes of a function.
    pub(super) fn containers(&self, function: &str) -> usize {
        process_ids(&self.test.target.program(function)).len()
    }

    /// Waits until a function answers.
    pub(super) async fn wait_for(&self, function: &str) -> Result<(), Error> {
        let event = GatewayEvent::new("GET", "/availability");
        let deadline = Instant::now() + WARM_UP_TIMEOUT;
        while self.client.send(function, &event).await.status.is_none() {
            self.check_deadline(deadline, function, 1)?;
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Has oha request `/availability` from a function.
    pub(super) async fn load(
        &self,
        function: &str,
        clients: u32,
        duration: Duration,
        rate: Option<u32>,
    ) -> Result<ReplyCounts, Error> {
        // The emulator needs no route for this address, so that it treats all functions alike.
        let url = format!("{}/lambda-url/{function}/availability", self.client.api_url);
        let oha = self.test.oha.as_ref();
        let oha = oha.ok_or_else(|| Error::new("this scenario does not send plain requests"))?;
        oha.run(&url, clients, duration, rate).await
    }

    /// Puts a load on a function until the emulator has started the wanted number of
    /// containers.
    pub(super) async fn warm_up(&self, function: &str, wanted: u16) -> Result<(), Error> {
        self.wait_for(function).await?;
        let deadline = Instant::now() + WARM_UP_TIMEOUT;
        let load = || self.load(function, 4 * u32::from(wanted), Duration::from_secs(1), None);
        while self.containers(function) < usize::from(wanted) {
            self.check_deadline(deadline, function, wanted)?;
            load().await?;
        }
        // The last containers have just been started.
        load().await?;
        Ok(())
    }

    /// Books until the emulator has started the wanted number of checkout containers.
    pub(super) async fn warm_checkout(&self, wanted: u16) -> Result<(), Error> {
        self.wait_for("checkout").await?;
        let deadline = Instant::now() + WARM_UP_TIMEOUT;
        let mut bookings = JoinSet::new();
        let fill = |bookings: &mut JoinSet<Reply>| {
            while bookings.len() < usize::from(wanted)
                && let Some(slot) = self.slots.next()
            {
                let client = self.client.clone();
                bookings.spawn(async move { client.send("checkout", &slot.book()).await });
            }
        };
        eprintln!("starting {wanted} containers of checkout");
        while self.containers("checkout") < usize::from(wanted) {
            self.check_deadline(deadline, "checkout", wanted)?;
            fill(&mut bookings);
            sleep(POLL_INTERVAL).await;
            while bookings.try_join_next().is_some() {}
        }
        // The last containers have just been started; after two more rounds all are warm.
        for _ in 0..2 {
            fill(&mut bookings);
            while bookings.join_next().await.is_some() {}
        }
        Ok(())
    }

    fn check_deadline(&self, deadline: Instant, function: &str, wanted: u16) -> Result<(), Error> {
        if Instant::now() <= deadline {
            return Ok(());
        }
        Err(Error::new(format!(
            "the function `{function}` has {} of {wanted} processes after {} s; its output is in {}",
            self.containers(function),
            WARM_UP_TIMEOUT.as_secs(),
            self.test.target.log().display(),
        )))
    }
}
