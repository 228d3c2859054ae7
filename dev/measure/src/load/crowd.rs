//! A crowd: many visitors load the same Saturday at the same moment, and try to book it.
//! Whoever gets a time pays.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use salon::service::Service;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::audit::{Promise, audit};
use super::charges::Charges;
use super::reply_counts::ReplyCounts;
use super::test_bed::{FunctionClient, TestBed};
use crate::measure_error::{Context as _, Error};
use crate::reply::Reply;
use crate::results::Results;
use crate::statistics::float;
use crate::visitor_events::Visitor;

/// Processes of each function.
pub(super) const CONTAINERS: u16 = 32;
const VISITORS: u32 = 500;
/// The number of the first visitor; the other scenarios use lower numbers.
const FIRST_VISITOR: u32 = 100_000;
/// Requests in flight at each function.
const MAX_IN_FLIGHT: usize = 64;
/// Further times that a visitor tries before leaving.
const FURTHER_TIMES: u32 = 3;
/// How many times a visitor comes back while Stripe is busy.
const RETURNS: u32 = 8;
/// The longest wait before coming back, whatever `Retry-After` says.
const MAX_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Visit {
    page: Reply,
    /// Every reply to a checkout, with the requested time.
    checkouts: Vec<(Reply, Timestamp)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is a hold with a session.
    Booked,
    /// All times that were tried were taken.
    FoundTaken,
    /// Stripe was busy each time.
    GaveUp,
    Failed,
}

#[derive(Debug)]
struct Plan {
    client: FunctionClient,
    service: String,
    target: String,
    page_permits: Semaphore,
    checkout_permits: Semaphore,
}

/// Runs the scenario, and audits the replies.
pub(super) async fn run(bed: &TestBed<'_>, results: &mut Results) -> Result<(), Error> {
    bed.wait_for("availability").await?;
    bed.wait_for("checkout").await?;
    let no_time = "the salon shows no free time on a Saturday, so the crowd cannot book anything";
    let service = shortest_service(&bed.salon.services).ok_or_else(|| Error::new(no_time))?;
    let next = next_free_saturday(bed, service).await;
    let service = service.id.as_str().to_owned();
    let (date, times_shown) = next.ok_or_else(|| Error::new(no_time))?;
    eprintln!("crowd: {VISITORS} visitors want one of {times_shown} times on {date}");
    let plan = Arc::new(Plan {
        client: bed.client.clone(),
        target: format!("/availability?service={service}&from={date}&days=1"),
        service,
        page_permits: Semaphore::new(MAX_IN_FLIGHT),
        checkout_permits: Semaphore::new(MAX_IN_FLIGHT),
    });
    let started = Instant::now();
    let mut running = JoinSet::new();
    for number in FIRST_VISITOR..FIRST_VISITOR + VISITORS {
        let plan = Arc::clone(&plan);
        running.spawn(async move { plan.visit(Visitor(number)).await });
    }
    let visits = running.join_all().await;
    let duration = started.elapsed();

    let pages = || visits.iter().map(|visit| &visit.page);
    let checkouts = || visits.iter().flat_map(|visit| &visit.checkouts).map(|(reply, _)| reply);
    let promises: Vec<Promise> = visits.iter().flat_map(Visit::promises).collect();
    let audit = audit(bed, &promises).await?;
    let count = |outcome| visits.iter().filter(|visit| visit.outcome() == outcome).count();
    let (booked, gave_up) = (count(Outcome::Booked), count(Outcome::GaveUp));
    results.add("crowd", "page", ReplyCounts::of(pages(), duration).figures());
    results.add("crowd", "checkout", ReplyCounts::of(checkouts(), duration).figures());
    let failures = pages().chain(checkouts()).filter(|reply| reply.is_failure()).count();
    let figures = [
        ("visitors", visits.len()),
        ("times shown", times_shown),
        ("booked", booked),
        ("found their times taken", count(Outcome::FoundTaken)),
        ("gave up", gave_up),
        ("failures", failures),
        ("holds beyond booked and gave up", audit.holds.saturating_sub(booked + gave_up)),
    ];
    results.add("crowd: visitors", "crowd", figures.map(|(name, count)| (name, float(count))));
    results.add("audit", "crowd", audit.figures());
    for reply in checkouts().filter(|reply| reply.is_session()) {
        let session = reply.body.get("sessionId").and_then(Value::as_str).unwrap_or_default();
        bed.sandbox.pay(session).context("a visitor of the crowd could not pay")?;
    }
    results.add("charges", "crowd", Charges::settled(bed).await?.figures());
    Ok(())
}

pub(super) fn shortest_service(services: &[Service]) -> Option<&Service> {
    services.iter().min_by_key(|service| service.duration_minutes)
}

/// Returns the first Saturday from tomorrow on with free times, and their number.
async fn next_free_saturday(bed: &TestBed<'_>, service: &Service) -> Option<(Date, usize)> {
    let date_of = |start: &Timestamp| bed.salon.time_zone.to_datetime(*start).date();
    let today = date_of(&bed.test.clock.now());
    let times = free_times(bed, service).await;
    let dates = || times.iter().map(date_of);
    let date = dates().find(|date| date.weekday() == Weekday::Saturday && *date > today)?;
    Some((date, dates().filter(|other| *other == date).count()))
}

/// Requests all free times for a service.
pub(super) async fn free_times(bed: &TestBed<'_>, service: &Service) -> Vec<Timestamp> {
    let target = format!("/availability?service={}&days=43", service.id.as_str());
    let page = bed.client.send("availability", &Visitor(FIRST_VISITOR).get(&target)).await;
    starts(&page.body)
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
            Some((reply, _)) if reply.is_busy() => Outcome::GaveUp,
            Some((reply, _)) if reply.status == Some(409) => Outcome::FoundTaken,
            // The page did not show any free time.
            None if self.page.status == Some(200) => Outcome::FoundTaken,
            _ => Outcome::Failed,
        }
    }

    /// Returns the promises of the last reply for each time: a repeated request has the
    /// same hold.
    fn promises(&self) -> impl Iterator<Item = Promise> {
        let checkouts = self.checkouts.iter().enumerate();
        let last = checkouts.filter(|(index, (_, start))| {
            self.checkouts[index + 1..].iter().all(|(_, later)| later != start)
        });
        last.filter_map(|(_, (reply, start))| Promise::of(reply, *start))
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
            (200, vec![taken(), busy()], Outcome::GaveUp, 1),
            (200, vec![taken(), taken()], Outcome::FoundTaken, 0),
            (200, vec![], Outcome::FoundTaken, 0),
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
