//! Checkout with a body at rising concurrency: each client waits for its session
//! and then books another time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::busy_salon::{SERVICE, Slots};
use super::results::Step;
use super::stage::Stage;
use super::tally::Tally;
use super::visitors::Visitor;
use super::{STRIPE_LATENCY, containers};

/// Times and visitors that nobody else uses: the visitor of a time has its number.
#[derive(Clone, Debug)]
pub(super) struct Diary(Arc<Mutex<std::iter::Enumerate<Slots>>>);

impl Diary {
    pub(super) fn new(slots: Slots) -> Self {
        Self(Arc::new(Mutex::new(slots.enumerate())))
    }

    /// Gives out the next time.
    pub(super) fn next(&self) -> Option<(Visitor, super::busy_salon::Slot)> {
        let (number, slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        Some((Visitor(u32::try_from(number).ok()?), slot))
    }
}

/// Returns how many clients there are at each step.
pub(super) const fn clients(is_quick: bool) -> &'static [u16] {
    if is_quick { &[1, 8, 32] } else { &[1, 2, 4, 8, 16, 32, 64, 100] }
}

/// Measures a step.
pub(super) async fn run(stage: &Stage<'_>, diary: &Diary, clients: u16) -> Step {
    let duration = Duration::from_secs(stage.either(15, 4));
    let step = measure(stage, diary, clients.into(), duration).await;
    eprintln!(
        "checkout, {clients} clients: {:.1} sessions/s, p50 {:.1} ms, p99 {:.1} ms",
        step.requests_per_second, step.latency.p50_ms, step.latency.p99_ms,
    );
    step
}

/// Clients begin one after the other, spread over the time that Stripe takes. As that
/// is always the same, those who began together would stay together, and all of them
/// would measure how long the others take of the same cores.
async fn measure(stage: &Stage<'_>, diary: &Diary, clients: u32, duration: Duration) -> Step {
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for client in 0..clients {
        let (visitors, diary) = (stage.visitors.clone(), diary.clone());
        all.spawn(async move {
            sleep_until(begun + STRIPE_LATENCY * client / clients).await;
            let mut tally = Tally::default();
            while begun.elapsed() < duration {
                let Some((visitor, slot)) = diary.next() else { break };
                let request = visitor.reserve(SERVICE, slot.start, Some(&slot.staff));
                tally.add(&visitors.ask("checkout", &request).await);
            }
            tally
        });
    }
    let tally = all.join_all().await.into_iter().fold(Tally::default(), |mut sum, one| {
        sum.merge(one);
        sum
    });
    tally.step(clients, containers::counted(&stage.program("checkout")), begun.elapsed())
}
