//! A crowd: many visitors load the same Saturday at the same moment, and try to book it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use salon::service::Service;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Error;
use super::audit::{Promise, audit};
use super::function_client::{FunctionClient, Reply};
use super::load_results::CrowdResults;
use super::tally::Tally;
use super::test_bed::TestBed;
use crate::visitor_events::Visitor;

/// Processes of each function.
pub(super) const CONTAINERS: u16 = 32;
const VISITORS: u32 = 500;
/// The number of the first visitor; the other scenarios use lower numbers.
const FIRST_VISITOR: u32 = 100_000;
/// Requests in flight at each function.
const MAX_IN_FLIGHT: u32 = 64;
/// Further times that a visitor tries before leaving.
const FURTHER_TIMES: u32 = 3;
/// How many times a visitor comes back while Stripe is busy.
const RETURNS: u32 = 8;
/// The longest wait before coming back, whatever `Retry-After` says.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The requests of one visitor.
#[derive(Debug)]
struct Visit {
    page: Reply,
    /// Every reply to a checkout, with the requested time.
    checkouts: Vec<(Reply, Timestamp)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Booked,
    LeftWithout,
    PutOff,
    Failed,
}

/// What all visitors do.
#[derive(Debug)]
struct Plan {
    client: FunctionClient,
    service: String,
    target: String,
    page_permits: Semaphore,
    checkout_permits: Semaphore,
}

/// Runs the scenario, and audits the replies.
pub(super) async fn run(bed: &TestBed<'_>) -> Result<CrowdResults, Error> {
    let service = shortest_service(&bed.salon.services);
    let service = service.ok_or(Error::NoSaturday)?.id.as_str().to_owned();
    let (date, starts_shown) = next_free_saturday(bed, &service).await?;
    eprintln!("crowd: {VISITORS} visitors want one of {starts_shown} times on {date}");
    let plan = Arc::new(Plan {
        client: bed.client.clone(),
        target: format!("/availability?service={service}&from={date}&days=1"),
        service,
        page_permits: Semaphore::new(MAX_IN_FLIGHT as usize),
        checkout_permits: Semaphore::new(MAX_IN_FLIGHT as usize),
    });
    let started = Instant::now();
    let mut running = JoinSet::new();
    for number in FIRST_VISITOR..FIRST_VISITOR + VISITORS {
        let plan = Arc::clone(&plan);
        running.spawn(async move { plan.visit(Visitor(number)).await });
    }
    let visits = running.join_all().await;
    let duration = started.elapsed();

    let (mut pages, mut checkouts) = (Tally::default(), Tally::default());
    let mut promises = Vec::new();
    let mut failures = 0;
    for visit in &visits {
        pages.add(&visit.page);
        failures += u64::from(visit.page.is_failure());
        for (reply, _) in &visit.checkouts {
            checkouts.add(reply);
            failures += u64::from(reply.is_failure());
        }
        promises.extend(visit.promises());
    }
    let audit = audit(bed, &promises).await?;
    let count = |outcome| visits.iter().filter(|visit| visit.outcome() == outcome).count() as u64;
    Ok(CrowdResults {
        visitors: VISITORS,
        date: date.to_string(),
        starts_shown,
        in_flight_limit: MAX_IN_FLIGHT,
        duration_seconds: duration.as_secs_f64(),
        page_latency: pages.latency(),
        page_answers: pages.answers(),
        checkout_latency: checkouts.latency(),
        checkout_answers: checkouts.answers(),
        booked: count(Outcome::Booked),
        left_without: count(Outcome::LeftWithout),
        put_off: count(Outcome::PutOff),
        failures,
        audit,
    })
}

pub(super) fn shortest_service(services: &[Service]) -> Option<&Service> {
    services.iter().min_by_key(|service| service.duration_minutes)
}

/// Returns the first Saturday from tomorrow on with free times, and their number.
async fn next_free_saturday(bed: &TestBed<'_>, service: &str) -> Result<(Date, u32), Error> {
    let horizon = bed.salon.horizon(bed.clock.now());
    let saturdays = horizon.dates().skip(1).filter(|date| date.weekday() == Weekday::Saturday);
    for date in saturdays {
        let target = format!("/availability?service={service}&from={date}&days=1");
        let page = bed.client.send("availability", &Visitor(FIRST_VISITOR).get(&target)).await;
        let shown = starts(&page.body).len();
        if shown > 0 {
            return Ok((date, u32::try_from(shown).unwrap_or(u32::MAX)));
        }
    }
    Err(Error::NoSaturday)
}

/// Reads the free times of a page.
pub(super) fn starts(page: &Value) -> Vec<Timestamp> {
    let days = page.get("days").and_then(Value::as_array).into_iter().flatten();
    days.filter_map(|day| day.get("starts")?.as_array())
        .flatten()
        .filter_map(|start| start.get("start")?.as_str()?.parse().ok())
        .collect()
}

impl Plan {
    async fn visit(&self, visitor: Visitor) -> Visit {
        let page = {
            let _permit = self.page_permits.acquire().await;
            self.client.send("availability", &visitor.get(&self.target)).await
        };
        let mut times = starts(&page.body);
        let mut visit = Visit { page, checkouts: Vec::new() };
        for _ in 0..=FURTHER_TIMES {
            if times.is_empty() {
                break;
            }
            let start = times.swap_remove(fastrand::usize(..times.len()));
            self.book(visitor, start, &mut visit.checkouts).await;
            if !matches!(visit.checkouts.last(), Some((reply, _)) if reply.status == Some(409)) {
                break;
            }
        }
        visit
    }

    /// Requests a time, and comes back while Stripe is busy.
    async fn book(
        &self,
        visitor: Visitor,
        start: Timestamp,
        replies: &mut Vec<(Reply, Timestamp)>,
    ) {
        let request = visitor.book(&self.service, start, None);
        for _ in 0..=RETURNS {
            let reply = {
                let _permit = self.checkout_permits.acquire().await;
                self.client.send("checkout", &request).await
            };
            let wait = Duration::from_secs(reply.retry_after.unwrap_or(1)).min(MAX_WAIT);
            let is_busy = reply.is_busy();
            replies.push((reply, start));
            if !is_busy {
                return;
            }
            sleep(wait).await;
        }
    }
}

impl Visit {
    fn outcome(&self) -> Outcome {
        match self.checkouts.last() {
            Some((reply, _)) if reply.is_session() => Outcome::Booked,
            Some((reply, _)) if reply.is_busy() => Outcome::PutOff,
            Some((reply, _)) if reply.status == Some(409) => Outcome::LeftWithout,
            // The page did not show any free time.
            None if self.page.status == Some(200) => Outcome::LeftWithout,
            _ => Outcome::Failed,
        }
    }

    /// Returns the promises of the last reply for each time: a repeated request has the
    /// same hold.
    fn promises(&self) -> impl Iterator<Item = Promise> {
        let is_last = |index: usize, start: &Timestamp| {
            !self.checkouts[index + 1..].iter().any(|(_, later)| later == start)
        };
        self.checkouts
            .iter()
            .enumerate()
            .filter(move |(index, (_, start))| is_last(*index, start))
            .filter_map(|(_, (reply, start))| Promise::of(reply, *start))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, code: Option<&str>) -> Reply {
        Reply {
            status: Some(status),
            code: code.map(str::to_owned),
            body: json!({"bookingId": "b1"}),
            ..Reply::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_last_reply_decides_the_outcome_of_a_visit() {
        let busy = || (reply(503, Some("stripe_busy")), at(2));
        let taken = || (reply(409, Some("slot_taken")), at(1));
        for (page, checkouts, outcome, promises) in [
            (200, vec![taken(), (reply(201, None), at(2))], Outcome::Booked, 1),
            (200, vec![taken(), busy(), (reply(200, None), at(2))], Outcome::Booked, 1),
            (200, vec![taken(), busy()], Outcome::PutOff, 1),
            (200, vec![taken(), taken()], Outcome::LeftWithout, 0),
            (200, vec![], Outcome::LeftWithout, 0),
            (503, vec![], Outcome::Failed, 0),
            (200, vec![(reply(503, Some("store_unavailable")), at(1))], Outcome::Failed, 1),
        ] {
            let visit = Visit { page: reply(page, None), checkouts };
            assert_eq!(visit.outcome(), outcome, "{visit:?}");
            assert_eq!(visit.promises().count(), promises, "{visit:?}");
        }
    }

    #[test]
    fn the_free_times_of_a_page_are_read() {
        let page = json!({"days": [
            {"date": "2026-11-28", "starts": [
                {"start": "2026-11-28T10:00:00-08:00", "staff": ["s1"]},
                {"start": "2026-11-28T10:15:00-08:00", "staff": ["s1"]},
            ]},
            {"date": "2026-11-29", "starts": []},
        ]});
        assert_eq!(starts(&page).len(), 2);
        assert_eq!(starts(&Value::Null).len(), 0);
    }
}
