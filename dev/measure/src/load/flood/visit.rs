//! A visitor: looks at the times, asks for one, pays or authorises, and waits. Anyone who is
//! beaten by a payment takes another time.

use std::time::Duration;

use jiff::Timestamp;
use openchair::store::booking_store::BookingStore as _;
use salon::booking::{Booking, BookingId, State};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{END, Flood, LAST_TRY};
use crate::load::crowd::starts;
use crate::reply::Reply;
use crate::visitor_events::Visitor;

/// The time between two visitors.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// How long it takes to type a card number: a tenth of the hold, like a minute of ten.
const PAYING: Duration = Duration::from_secs(6);
/// How long after each other a visitor who waits looks at the booking.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Booked,
    /// Somebody else has paid for the last time that was tried.
    Beaten,
    /// Neither, until the end of the scenario.
    NotServed,
}

impl Outcome {
    /// Returns the outcome of a request that was not answered with a session. The page is up to
    /// a minute old; whoever would stand by is refused a time only once it is paid.
    fn of_refusal(reply: &Reply) -> Self {
        if reply.code.as_deref() == Some("slot_taken") { Self::Beaten } else { Self::NotServed }
    }

    /// Returns the outcome of a booking, or `None` while it is undecided.
    const fn of_booking(state: State) -> Option<Self> {
        match state {
            State::Confirmed => Some(Self::Booked),
            State::Released => Some(Self::Beaten),
            _ => None,
        }
    }
}

/// The time that a booking was in line, until it was confirmed or released.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    since: Timestamp,
    until: Timestamp,
}

impl Wait {
    pub(super) fn seconds(&self) -> f64 {
        self.until.duration_since(self.since).as_secs_f64()
    }
}

#[derive(Debug)]
pub(super) struct Visit {
    /// Whether the visitor looks at the booking while waiting. The others have closed the
    /// page, and are served by the schedule if nothing else changes their day sheet.
    pub(super) looks: bool,
    pub(super) pages: Vec<Reply>,
    pub(super) checkouts: Vec<Reply>,
    pub(super) waits: Vec<Wait>,
    pub(super) outcome: Outcome,
}

impl Flood {
    pub(super) async fn visit(&self, visitor: Visitor) -> Visit {
        let mut visit = Visit {
            looks: visitor.0.is_multiple_of(2),
            pages: Vec::new(),
            checkouts: Vec::new(),
            waits: Vec::new(),
            outcome: Outcome::NotServed,
        };
        let mut tried = Vec::new();
        while self.started.elapsed() < LAST_TRY {
            visit.outcome = self.book(visitor, &mut tried, &mut visit).await;
            if visit.outcome == Outcome::Booked {
                break;
            }
        }
        visit
    }

    /// Tries to book a time that was not tried before.
    async fn book(
        &self,
        visitor: Visitor,
        tried: &mut Vec<Timestamp>,
        visit: &mut Visit,
    ) -> Outcome {
        // Everybody wants another service than the visitors before and after.
        let index = usize::try_from(visitor.0).unwrap_or_default() % self.salon.services.len();
        let service = self.salon.services[index].id.as_str();
        let target = format!("/availability?service={service}&days=43&standby=true");
        let page = visitor.through_cdn(visitor.get(&target));
        let page = self.client.send("availability", &page).await;
        let mut times = starts(&page.body);
        visit.pages.push(page);
        times.retain(|time| !tried.contains(time));
        if times.is_empty() {
            sleep(LOOK_INTERVAL).await;
            return Outcome::NotServed;
        }
        let start = times.swap_remove(fastrand::usize(..times.len()));
        tried.push(start);
        let request = visitor.through_cdn(visitor.book_or_stand_by(service, start));
        let reply = self.client.send("checkout", &request).await;
        if !reply.is_session() {
            let outcome = Outcome::of_refusal(&reply);
            visit.checkouts.push(reply);
            return outcome;
        }
        let text = |name: &str| reply.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, session) = (BookingId::parse(text("bookingId")), text("sessionId").to_owned());
        visit.checkouts.push(reply);
        sleep(PAYING).await;
        match id {
            Some(id) if self.sandbox.pay(&session).is_ok() => self.wait(visitor, &id, visit).await,
            _ => Outcome::NotServed,
        }
    }

    /// Waits until a paid or authorised booking is decided.
    async fn wait(&self, visitor: Visitor, id: &BookingId, visit: &mut Visit) -> Outcome {
        let look = visitor.through_cdn(visitor.get(&format!("/bookings/{id}")));
        let mut looked = Instant::now();
        while self.started.elapsed() < END {
            if visit.looks && looked.elapsed() >= LOOK_INTERVAL {
                looked = Instant::now();
                self.client.send("checkout", &look).await;
            }
            sleep(Duration::from_secs(1)).await;
            // Reading the table does not serve the line, as looking does.
            let Ok(Some(booking)) = self.store.booking(id).await else { continue };
            let Some(outcome) = Outcome::of_booking(booking.state) else { continue };
            visit.waits.extend(time_in_line(&booking));
            return outcome;
        }
        Outcome::NotServed
    }
}

fn time_in_line(booking: &Booking) -> Option<Wait> {
    Some(Wait { since: booking.in_line_since?, until: booking.changed_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_beaten_only_by_a_payment() {
        for (status, code, expected) in [
            (409, Some("slot_taken"), Outcome::Beaten),
            (429, Some("too_many_holds"), Outcome::NotServed),
            (503, Some("stripe_busy"), Outcome::NotServed),
            (500, None, Outcome::NotServed),
        ] {
            let code = code.map(str::to_owned);
            let reply = Reply { status: Some(status), code, ..Reply::default() };
            assert_eq!(Outcome::of_refusal(&reply), expected, "{reply:?}");
        }
        for state in State::ALL {
            let expected = match state {
                State::Confirmed => Some(Outcome::Booked),
                State::Released => Some(Outcome::Beaten),
                _ => None,
            };
            assert_eq!(Outcome::of_booking(state), expected, "{state:?}");
        }
    }
}
