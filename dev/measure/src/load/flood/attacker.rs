//! Places holds at a steady rate, each under a new name and address, and never pays.

use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use salon::availability::{Availability, BusyTimes};
use salon::interval::Interval;
use salon::service::Service;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Flood;
use crate::measure_error::Error;
use crate::reply::Reply;
use crate::visitor_events::Visitor;

/// The time between two requests: half of what the route's throttle lets pass.
const INTERVAL: Duration = Duration::from_millis(200);
/// How long a requested time is left alone. After an ended hold, checkout first expires its
/// session.
const REQUEST_TIME: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Attacker {
    pub(super) replies: Vec<Reply>,
    running: JoinSet<Reply>,
    /// The times that were requested last.
    requested: Vec<(Interval<Timestamp>, Instant)>,
    /// The number of requests so far.
    requests: u32,
}

impl Attacker {
    /// Sends requests without a pause. If nothing is free, it asks for what is taken.
    pub(super) async fn run(&mut self, flood: &Flood) -> Result<Infallible, Error> {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            while let Some(reply) = self.running.try_join_next() {
                self.replies.extend(reply);
            }
            let Some((service, start)) = self.target(flood).await? else { continue };
            let visitor = Visitor(self.requests);
            self.requests += 1;
            let request = visitor.through_cdn(visitor.book(service.id.as_str(), start, None));
            let client = flood.client.clone();
            self.running.spawn(async move { client.send("checkout", &request).await });
        }
    }

    /// Chooses the longest service that has a free time. It reads the table, and so knows
    /// more than an attacker who reads the page.
    async fn target<'a>(
        &mut self,
        flood: &'a Flood,
    ) -> Result<Option<(&'a Service, Timestamp)>, Error> {
        self.requested.retain(|(_, at)| at.elapsed() < REQUEST_TIME);
        let busy = flood.busy().await?;
        let salon = &flood.salon;
        let first_start = |service: &Service, times: &BusyTimes| {
            let horizon = salon.horizon(busy.now);
            let availability = Availability::new(salon, times, busy.now);
            let mut days = availability.starts(service, None, (horizon.first, horizon.last));
            days.find_map(|day| day.starts.first().map(|start| start.at))
        };
        let requested = || self.requested.iter().map(|(time, _)| *time);
        let taken: BusyTimes = busy
            .times()
            .into_iter()
            .map(|(id, times)| (id, times.iter().copied().chain(requested()).collect()))
            .collect();
        let mut services: Vec<&Service> = salon.services.iter().collect();
        services.sort_by_key(|service| std::cmp::Reverse(service.duration_minutes));
        for service in &services {
            if let Some(start) = first_start(service, &taken) {
                let time = Interval::new(start, service.end(start));
                self.requested.extend(time.map(|time| (time, Instant::now())));
                return Ok(Some((service, start)));
            }
        }
        let any = services.last().copied();
        Ok(any.and_then(|service| Some((service, first_start(service, &busy.standby_times())?))))
    }
}
