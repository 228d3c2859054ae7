use std::time::Duration;

use openchair::bookings::ReconcileBudget;
use openchair::payments::webhook::SessionChange;
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange,
};
use openchair::time_budget::RECONCILE_TIMEOUT;
use salon::booking::{Booking, BookingId, ManageToken, State, WarningKind};
use tokio::time::Instant;

use super::{Schedule, TaskResult};
use crate::planted_bug::Bug;
use crate::small_salon::ATTACKERS;
use crate::stripe_model::{Subject, WebhookEvent};
use crate::system::{System, Version};
use crate::trace::short;
use crate::visitor::{VISITORS, Visitor};

impl Schedule<'_> {
    /// A visitor comes and requests a time.
    pub(super) fn arrive(&mut self) {
        if self.is_busy() {
            return;
        }
        let attackers = self.visitors.iter().filter(|visitor| visitor.is_attacker).count();
        let is_attacker = self.decisions.one_in(5);
        let has_room = if is_attacker {
            attackers < ATTACKERS
        } else {
            self.visitors.len() - attackers < VISITORS
        };
        if !has_room {
            return;
        }
        let (number, now) = (self.visitors.len(), self.system.shared.clock.now());
        let visitor = Visitor::draw(number, &self.system.version().salon, now, self.decisions);
        self.visitors.push(if is_attacker { visitor.attacker(attackers) } else { visitor });
        self.reserve(number);
    }

    /// A visitor sends the same request again.
    pub(super) fn repeat_request(&mut self) {
        if let Some(visitor) = self.decisions.pick(self.visitors.len())
            && !self.is_busy()
        {
            self.reserve(visitor);
        }
    }

    fn reserve(&mut self, visitor: usize) {
        let Version { bookings, salon } = self.system.version();
        let Some(request) = self.visitors[visitor].request(salon) else { return };
        let (service, start) = (&request.service.id, request.start);
        let who = request.staff.map_or("anyone", |staff| staff.as_str());
        let kind = if self.visitors[visitor].is_attacker { "attacker" } else { "visitor" };
        let description = format!("{kind} {visitor} requests \"{service}\" of {who} at {start}");
        self.begin(&description, None, async move {
            TaskResult::Reserved(visitor, Box::new(bookings.reserve(&request).await))
        });
    }

    /// A visitor pays, if anyone has got that far.
    pub(super) fn pay(&mut self) {
        let mut ledger = self.system.stripe.ledger();
        let visitors = &self.visitors;
        let payer = self.decisions.decide(|random| {
            let has_session = |index: &usize| visitors[*index].session.is_some();
            let mut payers: Vec<_> = (0..visitors.len()).filter(has_session).collect();
            random.shuffle(&mut payers);
            let can_pay = |index: &usize| ledger.is_open(visitors[*index].session.as_deref());
            payers.into_iter().find(can_pay).unwrap_or(usize::MAX)
        });
        let is_delayed = self.decisions.one_in(3);
        if let Some(session) = visitors.get(payer).and_then(|visitor| visitor.session.as_deref())
            && ledger.pay(session, is_delayed)
        {
            let method = if is_delayed { "by a method that takes days" } else { "by card" };
            self.trace(|| format!("session {session} is paid {method}"));
        }
    }

    /// Picks a visitor who may do something about a booking.
    fn pick_booking(&self) -> Option<(usize, BookingId, ManageToken)> {
        let visitor = self.decisions.pick(self.visitors.len())?;
        let (id, token) = self.visitors[visitor].booking.clone()?;
        (!self.is_busy()).then_some((visitor, id, token))
    }

    pub(super) fn cancel(&mut self) {
        let Some((visitor, id, token)) = self.pick_booking() else { return };
        let bookings = &self.system.version().bookings;
        self.history.cancelled.insert(id.clone());
        let description = format!("visitor {visitor} cancels {}", short(&id));
        let address = self.visitors[visitor].address.clone();
        self.begin(&description, None, async move {
            // The invariants hold whether or not this succeeds.
            let _ = bookings.cancel(&id, token.expose(), address.as_ref()).await;
            TaskResult::Done
        });
    }

    /// A visitor looks at the page of the booking.
    pub(super) fn view(&mut self) {
        let Some((visitor, id, _)) = self.pick_booking() else { return };
        let bookings = &self.system.version().bookings;
        let description = format!("visitor {visitor} looks at {}", short(&id));
        self.begin(&description, None, async move {
            let _ = bookings.view(&id).await;
            TaskResult::Done
        });
    }

    /// Delivers any of Stripe's events. Some are delivered again later.
    pub(super) fn deliver_event(&mut self) {
        if self.is_busy() {
            return;
        }
        let event = {
            let mut ledger = self.system.stripe.ledger();
            let events = &mut ledger.pending_events;
            let Some(index) = self.decisions.pick(events.len()) else { return };
            let comes_again = self.decisions.one_in(4);
            if comes_again { events[index].clone() } else { events.swap_remove(index) }
        };
        self.begin_delivery(event);
    }

    pub(super) fn begin_delivery(&mut self, event: WebhookEvent) {
        let system = self.system;
        let delivered = event.clone();
        let description = format!("Stripe delivers {}", event.description());
        self.begin(&description, Some(event), async move {
            let is_accepted = deliver(system, &delivered).await;
            if is_accepted { TaskResult::Done } else { TaskResult::NotAccepted }
        });
    }

    /// Loses an event for good, if its news can be found out otherwise.
    pub(super) fn lose_event(&mut self) {
        let mut ledger = self.system.stripe.ledger();
        let events = &mut ledger.pending_events;
        if let Some(index) = self.decisions.pick(events.len())
            && !events[index].is_only_source
        {
            let lost = events.swap_remove(index);
            self.trace(|| format!("{} is lost", lost.description()));
        }
    }

    pub(super) fn reconcile(&mut self, is_cut_short: bool) {
        if self.is_busy() {
            return;
        }
        let bookings = &self.system.version().bookings;
        // A budget in which every reconciliation finishes, unless it is cut short.
        let (bookings_checked, time) =
            if is_cut_short { (1, Duration::ZERO) } else { (100, Duration::from_hours(1)) };
        let budget = ReconcileBudget {
            bookings: bookings_checked,
            pause: Duration::from_secs(1),
            deadline: Instant::now() + time,
        };
        let what = if is_cut_short { "reconciliation, cut short" } else { "reconciliation" };
        self.begin(what, None, async move {
            let _ = bookings.reconcile(budget).await;
            TaskResult::Done
        });
    }

    /// Compares the bookings with the refunds, as happens every day.
    pub(super) fn check_refunds(&mut self) {
        if self.is_busy() {
            return;
        }
        let bookings = &self.system.version().bookings;
        self.begin("comparison of refunds", None, async move {
            let _ = bookings.check_refunds(Instant::now() + RECONCILE_TIMEOUT).await;
            TaskResult::Done
        });
    }

    /// The owner refunds in Stripe's Dashboard, a client disputes a payment, somebody pays
    /// for a booking in another session, or the refunds are compared.
    pub(super) fn let_outsiders_act(&mut self) {
        let what = {
            let mut ledger = self.system.stripe.ledger();
            match self.decisions.byte(8) {
                0..3 => ledger.refund_by_hand(),
                3 => ledger.warn(WarningKind::Dispute),
                4 => ledger.warn(WarningKind::EarlyFraudWarning),
                5..7 => ledger.pay_elsewhere(),
                _ => None,
            }
        };
        match what {
            Some(what) => self.trace(|| what),
            None => self.check_refunds(),
        }
    }

    /// A bank decides on a payment or a refund. Sometimes one returns a refund.
    pub(super) fn let_banks_act(&mut self) {
        self.let_bank_decide();
        if self.decisions.one_in(16)
            && let Some(payment) = self.system.stripe.ledger().cancel_authorisation()
        {
            self.trace(|| format!("the bank cancels the authorisation of {payment}"));
        }
        if self.decisions.one_in(8)
            && let Some(refund) = self.system.stripe.ledger().return_refund()
        {
            self.trace(|| format!("the bank returns refund {refund}"));
        }
    }

    /// A bank decides on a payment or a refund. Returns whether one was waiting.
    pub(super) fn let_bank_decide(&mut self) -> bool {
        let decision = self.system.stripe.ledger().let_bank_decide();
        decision.map(|decision| self.trace(|| decision)).is_some()
    }
}

/// Delivers an event. Returns whether it was accepted; otherwise Stripe sends it
/// again.
async fn deliver(system: &System, event: &WebhookEvent) -> bool {
    let (id, bookings) = (&event.booking, &system.version().bookings);
    match &event.subject {
        Subject::Session(change, session) => {
            if system.shared.bug == Some(Bug::OrderAssumed) {
                rewind(system, id, *change).await;
            }
            bookings.handle_session_event(id, *change, session).await.is_ok()
        }
        Subject::Refund => bookings.handle_refund_event(id).await.is_ok(),
        Subject::Warning(kind, warning, payment) => {
            bookings.handle_warning(*kind, warning, payment).await.is_ok()
        }
    }
}

/// Puts a booking into the state in which it receives an event when every event
/// comes once and in order.
async fn rewind(system: &System, id: &BookingId, change: SessionChange) {
    let state = match change {
        SessionChange::Completed | SessionChange::Expired => State::Held,
        SessionChange::PaymentSucceeded | SessionChange::PaymentFailed => State::Processing,
    };
    let Ok(Some(read)) = system.table.booking(id).await else { return };
    let booking = Booking { state, ..read };
    let sheet = system.table.inspect(|contents| {
        let known = contents.sheets.get(&(booking.staff.clone(), booking.date)).cloned();
        known.unwrap_or_default().with(&booking)
    });
    let change = BookingChange {
        booking: &booking,
        sheet: sheet.as_ref().map(|sheet| (&booking.staff, booking.date, sheet)),
        hold_counts: HoldCountChange::None,
        request_key: RequestKeyChange::None,
    };
    // If this fails, the event is handled correctly.
    let _ = system.table.write(&change).await;
}
