//! Checkout with a body at rising concurrency: each client waits for its session
//! and then books another time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Error;
use super::containers;
use super::results::{CheckoutResults, Step};
use super::salon::{SERVICE, Slots};
use super::stage::Stage;
use super::tally::Tally;
use super::visitors::Visitor;

const CLIENTS: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 100];
const QUICK_CLIENTS: [u32; 3] = [1, 8, 32];

/// Times and visitors that nobody else uses: the visitor of a time has its number.
#[derive(Clone, Debug)]
pub(super) struct Diary(Arc<Mutex<std::iter::Enumerate<Slots>>>);

impl Diary {
    pub(super) fn new(slots: Slots) -> Self {
        Self(Arc::new(Mutex::new(slots.enumerate())))
    }

    /// Gives out the next time.
    pub(super) fn next(&self) -> Option<(Visitor, super::salon::Slot)> {
        let (number, slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        Some((Visitor(u32::try_from(number).ok()?), slot))
    }
}

/// Measures each step, and adds it to `results` when it is done.
///
/// # Errors
/// Fails if the function does not get as many processes as there are clients.
pub(super) async fn run(
    stage: &Stage<'_>,
    diary: &Diary,
    stripe_latency_ms: u64,
    results: &mut Option<CheckoutResults>,
) -> Result<(), Error> {
    let duration = Duration::from_secs(stage.either(15, 4));
    let clients = stage.either(&CLIENTS[..], &QUICK_CLIENTS[..]);
    let results = results.insert(CheckoutResults { stripe_latency_ms, steps: Vec::new() });
    for &clients in clients {
        stage.warm_checkout(clients).await?;
        let step = measure(stage, diary, clients, duration).await;
        eprintln!(
            "checkout, {clients} clients: {:.1} sessions/s, p50 {:.1} ms, p99 {:.1} ms",
            step.requests_per_second, step.latency.p50_ms, step.latency.p99_ms,
        );
        results.steps.push(step);
    }
    Ok(())
}

async fn measure(stage: &Stage<'_>, diary: &Diary, clients: u32, duration: Duration) -> Step {
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let (visitors, diary) = (stage.visitors.clone(), diary.clone());
        all.spawn(async move {
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
