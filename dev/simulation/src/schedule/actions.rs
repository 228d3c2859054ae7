use std::time::Duration;

use openchair::bookings::Budget;
use tokio::time::Instant;

use super::{Ending, Schedule, World};
use crate::delivery;
use crate::stripe::Mail;
use crate::table::short;
use crate::visitor::{VISITORS, Visitor};

/// What may be done in a schedule.
impl Schedule<'_> {
    /// Somebody comes and asks for a time.
    pub(super) fn arrive(&mut self) {
        let number = self.visitors.len();
        if number == VISITORS || self.is_busy() {
            return;
        }
        let World { salon, clock, .. } = self.world;
        self.visitors.push(Visitor::draw(number, salon, clock.now(), &mut self.random));
        self.reserve(number);
    }

    /// Somebody sends the same request once more.
    pub(super) fn ask_again(&mut self) {
        if let Some(visitor) = self.any_visitor()
            && !self.is_busy()
        {
            self.reserve(visitor);
        }
    }

    fn reserve(&mut self, visitor: usize) {
        let World { bookings, salon, .. } = self.world;
        let request = self.visitors[visitor].request(salon);
        let (service, start) = (&request.service.id, request.start);
        let what = format!("visitor {visitor} asks for {service} at {start}");
        self.begin(|| what, None, async move {
            Ending::Reserved(visitor, Box::new(bookings.reserve(&request).await))
        });
    }

    fn any_visitor(&mut self) -> Option<usize> {
        (!self.visitors.is_empty()).then(|| self.random.usize(0..self.visitors.len()))
    }

    /// Somebody pays, if they have got as far as that.
    pub(super) fn pay(&mut self) {
        let mut sessions: Vec<_> =
            self.visitors.iter().filter_map(|it| it.session.as_deref()).collect();
        self.random.shuffle(&mut sessions);
        let is_delayed = self.random.u8(0..3) == 0;
        let mut ledger = self.world.stripe.ledger();
        if let Some(session) = sessions.into_iter().find(|session| ledger.pay(session, is_delayed))
        {
            let how = if is_delayed { "in days" } else { "at once" };
            self.world.trace.note(|| format!("{session} is paid, {how}"));
        }
    }

    pub(super) fn cancel(&mut self) {
        let Some(visitor) = self.any_visitor() else { return };
        let Some((id, token)) = self.visitors[visitor].booking.clone() else { return };
        if self.is_busy() {
            return;
        }
        let bookings = &self.world.bookings;
        let what = format!("{} is cancelled", short(&id));
        self.begin(|| what, None, async move {
            // Whatever comes of it, the invariants hold.
            let _ = bookings.cancel(&id, token.expose()).await;
            Ending::Other
        });
    }

    pub(super) fn look(&mut self) {
        let Some(visitor) = self.any_visitor() else { return };
        let Some((id, _)) = self.visitors[visitor].booking.clone() else { return };
        if self.is_busy() {
            return;
        }
        let bookings = &self.world.bookings;
        let what = format!("{} is looked at", short(&id));
        self.begin(|| what, None, async move {
            let _ = bookings.look(&id).await;
            Ending::Other
        });
    }

    /// Delivers any of the events that are on their way; now and then it is
    /// delivered once more later.
    pub(super) fn deliver(&mut self) {
        if self.is_busy() {
            return;
        }
        let mail = {
            let mut ledger = self.world.stripe.ledger();
            let mail = ledger.mail();
            if mail.is_empty() {
                return;
            }
            let index = self.random.usize(0..mail.len());
            if self.random.u8(0..4) == 0 { mail[index].clone() } else { mail.swap_remove(index) }
        };
        self.begin_delivery(mail);
    }

    pub(super) fn begin_delivery(&mut self, mail: Mail) {
        let (world, bug) = (self.world, self.bug);
        let event = mail.clone();
        let what = format!("event {} about {}", mail.number, short(&mail.booking));
        self.begin(|| what, Some(mail), async move {
            Ending::Delivered { is_taken: delivery::deliver(world, bug, &event).await }
        });
    }

    /// Loses an event for good, if something else can tell of it.
    pub(super) fn lose_event(&mut self) {
        let mut ledger = self.world.stripe.ledger();
        let mail = ledger.mail();
        if mail.is_empty() {
            return;
        }
        let index = self.random.usize(0..mail.len());
        if !mail[index].is_indispensable {
            let lost = mail.swap_remove(index);
            self.world.trace.note(|| format!("event {} is lost", lost.number));
        }
    }

    pub(super) fn reconcile(&mut self) {
        if self.is_busy() {
            return;
        }
        let bookings = &self.world.bookings;
        self.begin(|| "a reconciliation".to_owned(), None, async move {
            let _ = bookings.reconcile(budget()).await;
            Ending::Other
        });
    }
}

/// A run that ends by itself.
fn budget() -> Budget {
    let deadline = Instant::now() + Duration::from_hours(1);
    Budget { bookings: 10, pause: Duration::from_secs(1), deadline }
}
