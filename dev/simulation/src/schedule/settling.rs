use jiff::SignedDuration;
use salon::booking::{BookingId, State};

use super::Schedule;
use crate::invariants::{self, Violation, violated};
use crate::trace::short;

/// After how many polls a task counts as endless.
const POLLS: usize = 5_000;
/// How many minutes pass between one round and the next. Stripe forgets a stored
/// failure after a day.
const PAUSES: [i64; 9] = [45, 60, 1_500, 1_500, 60, 1_500, 60, 1_500, 1_500];

impl Schedule<'_> {
    /// Stops all faults, lets time pass until nothing is pending, and checks the final
    /// state of every booking. Then delivers all events again.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        self.trace(|| "from now on nothing goes wrong".to_owned());
        self.system.stop_faults();
        self.notifications.can_fail = false;
        self.finish_tasks()?;
        self.wait_until_settled()?;
        self.check_end()?;

        let before = self.end();
        let mut again = self.system.stripe.ledger().sent_events.clone();
        self.decisions.shuffle(&mut again);
        self.trace(|| "Stripe delivers all events again".to_owned());
        for event in again {
            self.begin_delivery(event);
            self.finish_tasks()?;
        }
        if let Some((before, after)) = before.iter().zip(&self.end()).find(|(a, b)| a != b) {
            let details = format!(
                "{} was {} with {} refunded, and is {} with {} refunded",
                short(&before.0),
                before.1,
                before.2,
                after.1,
                after.2
            );
            return violated("events that come again change nothing", details);
        }
        self.check_end()?;
        self.notifications.settle()
    }

    fn wait_until_settled(&mut self) -> Result<(), Violation> {
        for pause in PAUSES {
            self.deliver_events()?;
            self.reconcile(false);
            self.finish_tasks()?;
            self.check_reconciled()?;
            self.check_refunds();
            self.finish_tasks()?;
            while self.let_bank_decide() {
                self.check()?;
            }
            let is_settled = self.system.stripe.ledger().pending_events.is_empty()
                && self.system.table.inspect(|contents| {
                    contents.bookings.values().all(|booking| booking.check_at.is_none())
                });
            if is_settled {
                return Ok(());
            }
            self.pass(SignedDuration::from_mins(pause))?;
        }
        let hours = PAUSES.iter().sum::<i64>() / 60;
        let details = format!("something is still pending after {hours} hours without faults");
        violated(invariants::SETTLES, details)
    }

    /// Checks the promise to whoever pays or authorises, after a run of the schedule.
    fn check_reconciled(&self) -> Result<(), Violation> {
        let ledger = self.system.stripe.ledger();
        let now = self.system.shared.clock.now();
        self.system.table.inspect(|contents| invariants::check_reconciled(contents, &ledger, now))
    }

    fn finish_tasks(&mut self) -> Result<(), Violation> {
        for _ in 0..POLLS {
            if self.tasks.is_empty() {
                return Ok(());
            }
            self.poll_any()?;
            self.check()?;
        }
        violated("every task ends", format!("{} tasks do not end", self.tasks.len()))
    }

    /// Delivers each pending event, and loses some. An event that is not accepted comes again
    /// in the next round.
    fn deliver_events(&mut self) -> Result<(), Violation> {
        let mut events = std::mem::take(&mut self.system.stripe.ledger().pending_events);
        self.decisions.shuffle(&mut events);
        for event in events {
            if event.is_only_source || !self.decisions.one_in(3) {
                self.begin_delivery(event);
                self.finish_tasks()?;
            } else {
                self.trace(|| format!("{} is lost", event.description()));
            }
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), Violation> {
        let ledger = self.system.stripe.ledger();
        self.system.table.inspect(|contents| self.history.check_end(contents, &ledger))
    }

    /// Returns the state of each booking and how much of its money was refunded.
    fn end(&self) -> Vec<(BookingId, State, i64)> {
        let ledger = self.system.stripe.ledger();
        let mut bookings = self.system.table.bookings();
        bookings.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let end = bookings.into_iter().map(|booking| {
            let refunded = ledger.refunded(booking.payment.as_deref().unwrap_or_default());
            (booking.id, booking.state, refunded)
        });
        end.collect()
    }
}
