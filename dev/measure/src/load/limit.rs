//! Checkout beyond Stripe's limit: visitors come whether or not those before them
//! have an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::Error;
use super::accounts::{Promise, audit, sessions_by_second};
use super::busy_salon::SERVICE;
use super::checkout::Diary;
use super::containers;
use super::results::LimitResults;
use super::stage::Stage;
use super::tally::Tally;

/// Requests a second that Stripe allows.
const STRIPE_LIMIT: u32 = 25;
/// How many times as many visitors come.
const FACTOR: u32 = 4;
/// How many may be in flight, each at a container of its own. The emulator comes to
/// a halt for good once more than 100 wait.
pub(super) const fn in_flight(is_quick: bool) -> u16 {
    if is_quick { 64 } else { 96 }
}

/// How long Stripe may rest between the warming up and the first visitor.
const PAUSE: Duration = Duration::from_secs(2);

/// Lets the visitors come, and holds the books against their answers.
///
/// # Errors
/// Fails if the table cannot be read.
pub(super) async fn run(
    stage: &Stage<'_>,
    diary: &Diary,
    in_flight: u16,
    stripe_latency_ms: u64,
) -> Result<LimitResults, Error> {
    let seconds: u32 = stage.either(60, 15);
    // What is known until now is not this scenario's.
    let known = audit(&stage.store, &stage.salon, &stage.sandbox, &[], stage.clock.now()).await?;
    stage.sandbox.set_requests_per_second(STRIPE_LIMIT);
    sleep(PAUSE).await;

    let offered_per_second = STRIPE_LIMIT * FACTOR;
    let asked_before = stripe_requests(stage);
    let begun_at = stage.clock.now();
    let places = Arc::new(Semaphore::new(in_flight.into()));
    let mut ticks = interval(Duration::from_secs(1) / offered_per_second);
    let mut visiting = JoinSet::new();
    let (mut offered, mut turned_away) = (0, 0);
    let begun = Instant::now();
    while offered < u64::from(seconds * offered_per_second) {
        ticks.tick().await;
        offered += 1;
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            turned_away += 1;
            continue;
        };
        let Some((visitor, slot)) = diary.next() else { break };
        let visitors = stage.visitors.clone();
        visiting.spawn(async move {
            let _place = place;
            let request = visitor.reserve(SERVICE, slot.start, Some(&slot.staff));
            (visitors.ask("checkout", &request).await, slot.start)
        });
        if offered.is_multiple_of(u64::from(5 * offered_per_second)) {
            let under_way = visiting.len();
            eprintln!(
                "limit: {offered} visitors came, {turned_away} found no place, {under_way} answers taken or awaited"
            );
        }
    }
    let duration = begun.elapsed();
    let (mut all, mut with_session) = (Tally::default(), Tally::default());
    let mut promises = Vec::new();
    let mut without_a_way_on = 0;
    for (answer, start) in visiting.join_all().await {
        all.add(&answer);
        if answer.is_session() {
            with_session.add(&answer);
        }
        without_a_way_on += u64::from(!answer.has_a_way_on());
        promises.extend(Promise::of(&answer, start));
    }
    let stripe_requests = stripe_requests(stage) - asked_before;
    stage.sandbox.set_requests_per_second(0);
    let now = stage.clock.now();
    let mut accounts = audit(&stage.store, &stage.salon, &stage.sandbox, &promises, now).await?;
    accounts.holds -= known.holds;
    accounts.holds_unaccounted = accounts.holds_unaccounted.saturating_sub(known.holds);
    let sessions_by_second = sessions_by_second(&stage.sandbox, begun_at, seconds as usize);
    let sessions: u64 = sessions_by_second.iter().sum();
    Ok(LimitResults {
        stripe_limit_per_second: STRIPE_LIMIT,
        stripe_latency_ms,
        offered_per_second,
        duration_seconds: duration.as_secs_f64(),
        offered,
        turned_away,
        in_flight_limit: in_flight.into(),
        containers: containers::counted(&stage.program("checkout")),
        latency: all.latency(),
        session_latency: with_session.latency(),
        answers: all.answers(),
        answers_without_a_way_on: without_a_way_on,
        stripe_requests,
        sessions,
        share_of_limit: share(sessions, seconds),
        sessions_by_second,
        accounts,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand sessions")]
fn share(sessions: u64, seconds: u32) -> f64 {
    sessions as f64 / f64::from(STRIPE_LIMIT * seconds)
}

fn stripe_requests(stage: &Stage<'_>) -> u64 {
    let requests = stage.sandbox.requests();
    requests.get("POST /v1/checkout/sessions").copied().unwrap_or_default() as u64
}
