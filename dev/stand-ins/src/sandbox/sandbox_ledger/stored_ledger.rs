//! The ledger as it is kept over a restart.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CheckoutSession, Ledger, Payment, Refund, SandboxEvent, Timer};

/// The content of a ledger, as it is kept over a restart.
#[derive(Deserialize, Serialize)]
pub(in super::super) struct StoredLedger {
    sessions: Vec<CheckoutSession>,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    events: VecDeque<SandboxEvent>,
    /// In their order.
    timers: Vec<(Timestamp, Timer)>,
}

impl Ledger {
    /// Returns the content for [`restore`](Self::restore).
    pub(in super::super) fn stored(&self) -> StoredLedger {
        StoredLedger {
            sessions: self.sessions.clone(),
            payments: self.payments.values().cloned().collect(),
            refunds: self.refunds.clone(),
            events: self.events.clone(),
            timers: self.timers.iter().map(|((at, _), due)| (*at, due.clone())).collect(),
        }
    }

    /// Takes over the content of an earlier ledger, and sends the events that it had not
    /// delivered.
    pub(in super::super) fn restore(
        &mut self,
        stored: StoredLedger,
        undelivered: &HashSet<String>,
    ) {
        let positions = stored.sessions.iter().enumerate();
        self.positions = positions.map(|(at, session)| (session.id.clone(), at)).collect();
        self.sessions = stored.sessions;
        self.payments = stored.payments.into_iter().map(|it| (it.id.clone(), it)).collect();
        self.refunds = stored.refunds;
        self.events = stored.events;
        for (at, due) in stored.timers {
            self.schedule(at, due);
        }
        for event in self.events.iter().filter(|event| undelivered.contains(&event.id)) {
            self.queue.put(event.clone());
        }
    }
}
