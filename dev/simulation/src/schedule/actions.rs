use std::time::Duration;

use openchair::bookings::ReconcileBudget;
use tokio::time::Instant;

use super::{Schedule, TaskResult};
use crate::stripe_model::WebhookEvent;
use crate::system::System;
use crate::trace::short;
use crate::visitor::{VISITORS, Visitor};
use crate::webhook_delivery;

/// What may happen in a schedule.
impl Schedule<'_> {
    /// A visitor comes and requests a time.
    pub(super) fn arrive(&mut self) {
        let number = self.visitors.len();
        if number == VISITORS || self.is_busy() {
            return;
        }
        let System { salon, clock, .. } = self.system;
        self.visitors.push(Visitor::draw(number, salon, clock.now(), self.decisions));
        self.reserve(number);
    }

    /// A visitor sends the same request again.
    pub(super) fn repeat_request(&mut self) {
        if let Some(visitor) = self.any_visitor()
            && !self.is_busy()
        {
            self.reserve(visitor);
        }
    }

    fn reserve(&mut self, visitor: usize) {
        let System { bookings, salon, .. } = self.system;
        let request = self.visitors[visitor].request(salon);
        let (service, start) = (&request.service.id, request.start);
        let who = request.staff.map_or("anyone", |staff| staff.as_str());
        let description = format!("visitor {visitor} requests \"{service}\" of {who} at {start}");
        self.begin(|| description, None, async move {
            TaskResult::Reserved(visitor, Box::new(bookings.reserve(&request).await))
        });
    }

    fn any_visitor(&mut self) -> Option<usize> {
        if self.visitors.is_empty() {
            return None;
        }
        self.decisions.pick(self.visitors.iter().map(|visitor| visitor.id))
    }

    /// A visitor pays, if anyone has got that far.
    pub(super) fn pay(&mut self) {
        let mut ledger = self.system.stripe.ledger();
        let visitors = &self.visitors;
        let payer = self.decisions.pick_by(visitors.iter().map(|visitor| visitor.id), |random| {
            let has_session = |index: &usize| visitors[*index].session.is_some();
            let mut payers: Vec<_> = (0..visitors.len()).filter(has_session).collect();
            random.shuffle(&mut payers);
            let can_pay = |index: &usize| ledger.is_open(visitors[*index].session.as_deref());
            payers.into_iter().find(can_pay).unwrap_or(usize::MAX)
        });
        let is_delayed = self.decisions.one_in(3);
        let session = payer.and_then(|index| visitors.get(index)?.session.as_deref());
        if let Some(session) = session
            && ledger.pay(session, is_delayed)
        {
            let method = if is_delayed { "by a method that takes days" } else { "by card" };
            self.system.trace.step(|| format!("session {session} is paid {method}"));
        }
    }

    pub(super) fn cancel(&mut self) {
        let Some(visitor) = self.any_visitor() else { return };
        let Some((id, token)) = self.visitors[visitor].booking.clone() else { return };
        if self.is_busy() {
            return;
        }
        let bookings = &self.system.bookings;
        let description = format!("visitor {visitor} cancels {}", short(&id));
        self.begin(|| description, None, async move {
            // The invariants hold whether or not this succeeds.
            let _ = bookings.cancel(&id, token.expose()).await;
            TaskResult::Other
        });
    }

    /// A visitor looks at the page of the booking.
    pub(super) fn view(&mut self) {
        let Some(visitor) = self.any_visitor() else { return };
        let Some((id, _)) = self.visitors[visitor].booking.clone() else { return };
        if self.is_busy() {
            return;
        }
        let bookings = &self.system.bookings;
        let description = format!("visitor {visitor} looks at {}", short(&id));
        self.begin(|| description, None, async move {
            let _ = bookings.view(&id).await;
            TaskResult::Other
        });
    }

    /// Delivers any of Stripe's events. Some are delivered again later.
    pub(super) fn deliver_event(&mut self) {
        if self.is_busy() {
            return;
        }
        let event = {
            let mut ledger = self.system.stripe.ledger();
            let events = ledger.pending_events();
            if events.is_empty() {
                return;
            }
            let Some(index) = self.decisions.pick(events.iter().map(|event| event.id)) else {
                return;
            };
            let comes_again = self.decisions.one_in(4);
            if comes_again { events[index].clone() } else { events.swap_remove(index) }
        };
        self.begin_delivery(event);
    }

    pub(super) fn begin_delivery(&mut self, event: WebhookEvent) {
        let (system, bug) = (self.system, self.bug);
        let delivered = event.clone();
        let description = format!("Stripe delivers {}", event.description());
        self.begin(|| description, Some(event), async move {
            let is_accepted = webhook_delivery::deliver(system, bug, &delivered).await;
            TaskResult::Delivered { is_accepted }
        });
    }

    /// Loses an event for good, if its news can be found out otherwise.
    pub(super) fn lose_event(&mut self) {
        let mut ledger = self.system.stripe.ledger();
        let events = ledger.pending_events();
        if events.is_empty() {
            return;
        }
        let picked = self.decisions.pick(events.iter().map(|event| event.id));
        let Some(index) = picked else { return };
        if !events[index].is_only_source {
            let lost = events.swap_remove(index);
            self.system.trace.step(|| format!("{} is lost", lost.description()));
        }
    }

    pub(super) fn reconcile(&mut self) {
        if self.is_busy() {
            return;
        }
        let bookings = &self.system.bookings;
        self.begin(|| "reconciliation".to_owned(), None, async move {
            let _ = bookings.reconcile(budget()).await;
            TaskResult::Other
        });
    }

    /// A bank decides on a payment or a refund. Sometimes one returns a refund.
    pub(super) fn let_banks_act(&mut self) {
        self.let_bank_decide();
        if self.decisions.one_in(8)
            && let Some(refund) = self.system.stripe.ledger().return_refund()
        {
            self.system.trace.step(|| format!("the bank returns refund {refund}"));
        }
    }

    /// A bank decides on a payment or a refund. Returns whether one was waiting.
    pub(super) fn let_bank_decide(&mut self) -> bool {
        let decision = self.system.stripe.ledger().let_bank_decide();
        let is_one = decision.is_some();
        if let Some(decision) = decision {
            self.system.trace.step(|| decision);
        }
        is_one
    }
}

/// A budget in which every reconciliation finishes.
fn budget() -> ReconcileBudget {
    let deadline = Instant::now() + Duration::from_hours(1);
    ReconcileBudget { bookings: 10, pause: Duration::from_secs(1), deadline }
}
