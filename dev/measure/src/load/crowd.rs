//! A crowd: everybody looks at the same Saturday at the same moment, and wants it.

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
use super::accounts::{Promise, audit};
use super::results::CrowdResults;
use super::stage::Stage;
use super::tally::Tally;
use super::visitors::{Answer, Visitor, Visitors};

/// How many processes the emulator may start of a function.
pub(super) const CONTAINERS: u16 = 32;
const VISITORS: u32 = 500;
/// The first number of the visitors, after whoever was there before.
const FIRST: u32 = 100_000;
/// How many may be in flight at each function.
const IN_FLIGHT: u32 = 64;
/// How many other times a visitor tries before leaving.
const OTHER_TIMES: u32 = 3;
/// How often a visitor comes back to a Stripe that is busy.
const RETURNS: u32 = 8;
/// How long a visitor waits at most before that.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How it went for one of them.
#[derive(Debug)]
struct Visit {
    page: Answer,
    /// Every answer to a request for a time.
    checkouts: Vec<(Answer, Timestamp)>,
}

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Booked,
    LeftWithout,
    PutOff,
    Failed,
}

/// What all of them do.
#[derive(Debug)]
struct Plan {
    visitors: Visitors,
    service: String,
    target: String,
    pages: Semaphore,
    checkouts: Semaphore,
}

/// Lets the crowd in, and holds the books against what everybody was told.
///
/// # Errors
/// Fails if there is no Saturday to want, or the table cannot be read.
pub(super) async fn run(stage: &Stage<'_>) -> Result<CrowdResults, Error> {
    let service = shortest(&stage.salon.services);
    let service = service.ok_or(Error::NoSaturday)?.id.as_str().to_owned();
    let (date, starts_shown) = saturday(stage, &service).await?;
    eprintln!("crowd: {VISITORS} visitors want one of {starts_shown} times on {date}");
    let plan = Arc::new(Plan {
        visitors: stage.visitors.clone(),
        target: format!("/availability?service={service}&from={date}&days=1"),
        service,
        pages: Semaphore::new(IN_FLIGHT as usize),
        checkouts: Semaphore::new(IN_FLIGHT as usize),
    });
    let begun = Instant::now();
    let mut visiting = JoinSet::new();
    for number in FIRST..FIRST + VISITORS {
        let plan = Arc::clone(&plan);
        visiting.spawn(async move { plan.visit(Visitor(number)).await });
    }
    let visits = visiting.join_all().await;
    let duration = begun.elapsed();

    let (mut pages, mut checkouts) = (Tally::default(), Tally::default());
    let mut promises = Vec::new();
    let mut failures = 0;
    for visit in &visits {
        pages.add(&visit.page);
        failures += u64::from(visit.page.is_failure());
        for (answer, _) in &visit.checkouts {
            checkouts.add(answer);
            failures += u64::from(answer.is_failure());
        }
        promises.extend(visit.promises());
    }
    let now = stage.clock.now();
    let accounts = audit(&stage.store, &stage.salon, &stage.sandbox, &promises, now).await?;
    let ended = |ending| visits.iter().filter(|visit| visit.ending() == ending).count() as u64;
    Ok(CrowdResults {
        visitors: VISITORS,
        date: date.to_string(),
        starts_shown,
        in_flight_limit: IN_FLIGHT,
        duration_seconds: duration.as_secs_f64(),
        page_latency: pages.latency(),
        page_answers: pages.answers(),
        checkout_latency: checkouts.latency(),
        checkout_answers: checkouts.answers(),
        booked: ended(Ending::Booked),
        left_without: ended(Ending::LeftWithout),
        put_off: ended(Ending::PutOff),
        failures,
        accounts,
    })
}

pub(super) fn shortest(services: &[Service]) -> Option<&Service> {
    services.iter().min_by_key(|service| service.duration_minutes)
}

/// Finds the first Saturday from tomorrow on that has free times, and counts them.
async fn saturday(stage: &Stage<'_>, service: &str) -> Result<(Date, u32), Error> {
    let now = stage.clock.now();
    let saturdays =
        stage.salon.horizon(now).dates().skip(1).filter(|date| date.weekday() == Weekday::Saturday);
    for date in saturdays {
        let target = format!("/availability?service={service}&from={date}&days=1");
        let page = stage.visitors.ask("availability", &Visitor(FIRST).look(&target)).await;
        let shown = starts(&page.body).len();
        if shown > 0 {
            return Ok((date, u32::try_from(shown).unwrap_or(u32::MAX)));
        }
    }
    Err(Error::NoSaturday)
}

/// Reads the times of a page.
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
            let _place = self.pages.acquire().await;
            self.visitors.ask("availability", &visitor.look(&self.target)).await
        };
        let mut times = starts(&page.body);
        let mut visit = Visit { page, checkouts: Vec::new() };
        for _ in 0..=OTHER_TIMES {
            if times.is_empty() {
                break;
            }
            let start = times.swap_remove(fastrand::usize(..times.len()));
            self.insist(visitor, start, &mut visit.checkouts).await;
            if !matches!(visit.checkouts.last(), Some((answer, _)) if answer.status == Some(409)) {
                break;
            }
        }
        visit
    }

    /// Asks for a time, and comes back as long as Stripe is busy.
    async fn insist(
        &self,
        visitor: Visitor,
        start: Timestamp,
        answers: &mut Vec<(Answer, Timestamp)>,
    ) {
        let request = visitor.reserve(&self.service, start, None);
        for _ in 0..=RETURNS {
            let answer = {
                let _place = self.checkouts.acquire().await;
                self.visitors.ask("checkout", &request).await
            };
            let wait = Duration::from_secs(answer.retry_after.unwrap_or(1)).min(LONGEST_WAIT);
            let is_busy = answer.is_busy();
            answers.push((answer, start));
            if !is_busy {
                return;
            }
            sleep(wait).await;
        }
    }
}

impl Visit {
    fn ending(&self) -> Ending {
        match self.checkouts.last() {
            Some((answer, _)) if answer.is_session() => Ending::Booked,
            Some((answer, _)) if answer.is_busy() => Ending::PutOff,
            Some((answer, _)) if answer.status == Some(409) => Ending::LeftWithout,
            // A page that showed nothing any more.
            None if self.page.status == Some(200) => Ending::LeftWithout,
            _ => Ending::Failed,
        }
    }

    /// What the table owes the visitor: by the last answer for each time, as a
    /// repeat takes up the same hold.
    fn promises(&self) -> impl Iterator<Item = Promise> {
        let is_last = |index: usize, start: &Timestamp| {
            !self.checkouts[index + 1..].iter().any(|(_, later)| later == start)
        };
        self.checkouts
            .iter()
            .enumerate()
            .filter(move |(index, (_, start))| is_last(*index, start))
            .filter_map(|(_, (answer, start))| Promise::of(answer, *start))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, code: Option<&str>) -> Answer {
        Answer {
            status: Some(status),
            code: code.map(str::to_owned),
            body: json!({"bookingId": "b1"}),
            ..Answer::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_visit_ends_with_its_last_answer() {
        let busy = || (answer(503, Some("stripe_busy")), at(2));
        let taken = || (answer(409, Some("slot_taken")), at(1));
        for (page, checkouts, ending, promises) in [
            (200, vec![taken(), (answer(201, None), at(2))], Ending::Booked, 1),
            (200, vec![taken(), busy(), (answer(200, None), at(2))], Ending::Booked, 1),
            (200, vec![taken(), busy()], Ending::PutOff, 1),
            (200, vec![taken(), taken()], Ending::LeftWithout, 0),
            (200, vec![], Ending::LeftWithout, 0),
            (503, vec![], Ending::Failed, 0),
            (200, vec![(answer(503, Some("store_unavailable")), at(1))], Ending::Failed, 1),
        ] {
            let visit = Visit { page: answer(page, None), checkouts };
            assert_eq!(visit.ending(), ending, "{visit:?}");
            assert_eq!(visit.promises().count(), promises, "{visit:?}");
        }
    }

    #[test]
    fn the_times_of_a_page_are_read() {
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
