//! The running functions, for one or more scenarios.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use openchair::clock::Clock;
use openchair::store::DynamoStore;
use salon::Salon;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Error;
use super::containers;
use super::function_client::{FunctionClient, Reply};
use super::load_results::Step;
use super::oha::{Load, Oha};
use crate::busy_salon::{SERVICE, Slot, Slots};
use dev::serve::LoadTarget;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::Sandbox;

/// How long a function may take until its first answer, or until it has the wanted number
/// of processes.
const WARM_UP_TIMEOUT: Duration = Duration::from_mins(3);
const POLL_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct TestBed<'a> {
    pub(super) target: &'a LoadTarget,
    pub(super) oha: &'a Oha,
    pub(super) api_url: String,
    pub(super) salon: Salon,
    pub(super) sandbox: Sandbox,
    pub(super) store: DynamoStore,
    pub(super) client: FunctionClient,
    pub(super) clock: Clock,
    pub(super) is_quick: bool,
}

/// Slots of the busy salon that concurrent visitors take one by one.
#[derive(Clone, Debug)]
pub(super) struct SharedSlots(Arc<Mutex<Slots>>);

impl SharedSlots {
    pub(super) fn after(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Slots::after(now))))
    }

    pub(super) fn next(&self) -> Option<Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

impl FunctionClient {
    /// Books a slot of the busy salon.
    pub(super) async fn book(&self, slot: &Slot) -> Reply {
        let event = slot.visitor.book(SERVICE, slot.start, Some(&slot.staff));
        self.send("checkout", &event).await
    }
}

impl TestBed<'_> {
    /// Returns one of two values: for a full test, or for a quick one.
    pub(super) fn either<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// Returns the program of a function.
    pub(super) fn program(&self, function: &str) -> PathBuf {
        self.target.program(function)
    }

    /// Waits until each of the functions answers.
    pub(super) async fn wait_for(&self, functions: &[&'static str]) -> Result<(), Error> {
        let event = GatewayEvent::new("GET", "/availability");
        for function in functions {
            let deadline = Instant::now() + WARM_UP_TIMEOUT;
            while self.client.send(function, &event).await.status.is_none() {
                if Instant::now() > deadline {
                    return Err(self.too_few_containers(function, 1));
                }
                sleep(POLL_INTERVAL).await;
            }
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
    ) -> Result<Step, Error> {
        // The emulator needs no route for this address, so that it treats all functions alike.
        let url = format!("{}/lambda-url/{function}/availability", self.api_url);
        let step = self.oha.run(&Load { url, clients, duration, rate }).await?;
        Ok(Step { containers: containers::count(&self.program(function)), ..step })
    }

    /// Puts a load on a function until the emulator has started the wanted number of
    /// containers.
    pub(super) async fn warm_up(&self, function: &'static str, wanted: u16) -> Result<(), Error> {
        let deadline = Instant::now() + WARM_UP_TIMEOUT;
        let clients = 4 * u32::from(wanted);
        while containers::count(&self.program(function)) < u32::from(wanted) {
            if Instant::now() > deadline {
                return Err(self.too_few_containers(function, wanted));
            }
            self.load(function, clients, Duration::from_secs(1), None).await?;
        }
        // The last containers have just been started.
        self.load(function, clients, Duration::from_secs(1), None).await?;
        Ok(())
    }

    /// Books until the emulator has started the wanted number of checkout containers.
    pub(super) async fn warm_checkout(
        &self,
        slots: &SharedSlots,
        wanted: u16,
    ) -> Result<(), Error> {
        let program = self.program("checkout");
        let deadline = Instant::now() + WARM_UP_TIMEOUT;
        let mut bookings = JoinSet::new();
        let fill = |bookings: &mut JoinSet<Reply>| {
            while bookings.len() < usize::from(wanted) {
                let Some(slot) = slots.next() else { break };
                let client = self.client.clone();
                bookings.spawn(async move { client.book(&slot).await });
            }
        };
        if wanted > 8 {
            eprintln!("starting {wanted} containers of checkout");
        }
        while containers::count(&program) < u32::from(wanted) {
            if Instant::now() > deadline {
                return Err(self.too_few_containers("checkout", wanted));
            }
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

    fn too_few_containers(&self, function: &'static str, wanted: u16) -> Error {
        Error::TooFewContainers {
            function,
            wanted: wanted.into(),
            have: containers::process_ids(&self.program(function)).len(),
            seconds: WARM_UP_TIMEOUT.as_secs(),
            log: self.target.log().to_owned(),
        }
    }
}
