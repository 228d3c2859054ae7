//! What the scenarios play on: the functions, and the ways to them.

use std::path::PathBuf;
use std::time::Duration;

use openchair::clock::Clock;
use openchair::store::DynamoStore;
use salon::Salon;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::busy_salon::SERVICE;
use super::checkout::Diary;
use super::containers;
use super::oha::{Load, Oha};
use super::results::Step;
use super::visitors::{Answer, Visitors};
use super::{EMPTY, Error};
use dev::serve::LoadTarget;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::Sandbox;

/// How long a function may take until it answers at first, or until it has as many
/// processes as it should.
const WARM_UP: Duration = Duration::from_mins(3);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(250);

/// The functions, served for a scenario or several.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) rig: &'a LoadTarget,
    pub(super) oha: &'a Oha,
    pub(super) api_url: String,
    pub(super) salon: Salon,
    pub(super) sandbox: Sandbox,
    pub(super) store: DynamoStore,
    pub(super) visitors: Visitors,
    pub(super) clock: Clock,
    pub(super) is_quick: bool,
}

impl Stage<'_> {
    /// Returns the full form's value, or the quick one's.
    pub(super) fn either<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// Returns the address of a function under which the emulator looks up no route:
    /// the same way for all of them.
    pub(super) fn url(&self, function: &str) -> String {
        format!("{}/lambda-url/{function}/availability", self.api_url)
    }

    /// Returns the program of a function.
    pub(super) fn program(&self, function: &str) -> PathBuf {
        self.rig.program(function)
    }

    /// Waits until functions answer.
    ///
    /// # Errors
    /// Fails if one does not for minutes.
    pub(super) async fn wake(&self, functions: &[&'static str]) -> Result<(), Error> {
        for function in functions {
            let deadline = Instant::now() + WARM_UP;
            let event = GatewayEvent::new("GET", "/availability");
            while self.visitors.ask(function, &event).await.status.is_none() {
                if Instant::now() > deadline {
                    return Err(self.too_few(function, 1));
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Puts a load on availability or on the empty function, and counts the
    /// processes afterwards.
    ///
    /// # Errors
    /// Fails if the generator does.
    pub(super) async fn load(
        &self,
        function: &str,
        clients: u32,
        duration: Duration,
        rate: Option<u32>,
    ) -> Result<Step, Error> {
        let load = Load { url: self.url(function), clients, duration, rate };
        let step = self.oha.run(&load).await?;
        Ok(Step { containers: containers::counted(&self.program(function)), ..step })
    }

    /// Has the emulator start as many processes of availability or of the empty
    /// function as it may, by four clients for each.
    ///
    /// # Errors
    /// Fails if the generator does, or if they do not start in minutes.
    pub(super) async fn warm_by_load(
        &self,
        function: &'static str,
        wanted: u16,
    ) -> Result<(), Error> {
        let program = self.program(function);
        let deadline = Instant::now() + WARM_UP;
        while containers::count(&program) < usize::from(wanted) {
            if Instant::now() > deadline {
                return Err(self.too_few(function, wanted.into()));
            }
            self.load(function, 4 * u32::from(wanted), Duration::from_secs(1), None).await?;
        }
        // The last of them has just been started.
        self.load(function, 4 * u32::from(wanted), Duration::from_secs(1), None).await?;
        Ok(())
    }

    /// Has the emulator start as many processes of checkout as it may, by as many
    /// visitors, each of whom waits as long as Stripe takes.
    ///
    /// # Errors
    /// Fails if they do not start in minutes.
    pub(super) async fn warm_checkout(&self, diary: &Diary, wanted: u16) -> Result<(), Error> {
        let program = self.program("checkout");
        let wanted = usize::from(wanted);
        let deadline = Instant::now() + WARM_UP;
        let mut booking = JoinSet::new();
        let fill = |booking: &mut JoinSet<Answer>| {
            while booking.len() < wanted {
                let Some((visitor, slot)) = diary.next() else { break };
                let visitors = self.visitors.clone();
                booking.spawn(async move {
                    let request = visitor.reserve(SERVICE, slot.start, Some(&slot.staff));
                    visitors.ask("checkout", &request).await
                });
            }
        };
        if wanted > 8 {
            eprintln!("starting {wanted} containers of checkout");
        }
        while containers::count(&program) < wanted {
            if Instant::now() > deadline {
                return Err(self.too_few("checkout", wanted));
            }
            fill(&mut booking);
            sleep(LOOK).await;
            while booking.try_join_next().is_some() {}
        }
        // The last ones have just been started: two more rounds find them all awake.
        for _ in 0..2 {
            fill(&mut booking);
            while booking.join_next().await.is_some() {}
        }
        Ok(())
    }

    fn too_few(&self, function: &'static str, wanted: usize) -> Error {
        Error::TooFewContainers {
            function,
            wanted,
            have: containers::count(&self.program(function)),
            seconds: WARM_UP.as_secs(),
            log: self.rig.log().to_owned(),
        }
    }

    /// Lists the functions that plain loads go to.
    pub(super) const PLAIN: [&'static str; 2] = ["availability", EMPTY];
}
