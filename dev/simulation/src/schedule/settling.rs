use jiff::SignedDuration;
use salon::booking::{BookingId, State};

use super::{POLLS, Schedule};
use crate::invariants::{self, Violation, violated};

/// The end of a schedule.
impl Schedule<'_> {
    /// Stops all faults, lets time pass until nothing is pending, and checks what
    /// has become of every booking. Then delivers all events again.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        /// How many minutes pass between one round and the next. Stripe forgets a
        /// stored failure after a day.
        const PAUSES: [i64; 9] = [45, 60, 1_500, 1_500, 60, 1_500, 60, 1_500, 1_500];
        self.system.trace.step(|| "from now on nothing goes wrong".to_owned());
        self.system.table_hook.stop_faults();
        self.system.stripe.ledger().stop_faults();
        self.notifications.stop_faults();
        self.finish_tasks()?;
        let mut is_settled = false;
        for pause in PAUSES {
            self.deliver_events()?;
            self.reconcile();
            self.finish_tasks()?;
            while self.let_bank_decide() {
                self.check()?;
            }
            is_settled = self.is_settled();
            if is_settled {
                break;
            }
            self.pass(SignedDuration::from_mins(pause))?;
        }
        if !is_settled {
            let hours = PAUSES.iter().sum::<i64>() / 60;
            let details = format!("something is still pending after {hours} hours without faults");
            return violated(invariants::SETTLES, details);
        }
        self.check_end()?;

        let end = self.end();
        let mut again = self.system.stripe.ledger().sent_events().to_vec();
        self.decisions.shuffle(&mut again);
        self.system.trace.step(|| "Stripe delivers all events again".to_owned());
        for event in again {
            self.begin_delivery(event);
            self.finish_tasks()?;
        }
        let end_again = self.end();
        if let Some((before, after)) = end.iter().zip(&end_again).find(|(a, b)| a != b) {
            let (id, was, now) = (super::short(&before.0), before.1, after.1);
            let details = format!(
                "{id} was {was} with {} refunded, and is {now} with {} refunded",
                before.2, after.2
            );
            return violated(invariants::REPEATED_EVENTS_CHANGE_NOTHING, details);
        }
        self.check_end()?;
        self.notifications.settle()
    }

    fn finish_tasks(&mut self) -> Result<(), Violation> {
        for _ in 0..POLLS {
            if self.tasks.is_empty() {
                return Ok(());
            }
            self.poll(self.pick_task().unwrap_or(0))?;
            self.check()?;
        }
        violated(invariants::TASKS_END, format!("{} tasks do not end", self.tasks.len()))
    }

    /// Delivers the pending events, and loses some.
    fn deliver_events(&mut self) -> Result<(), Violation> {
        loop {
            let event = {
                let mut ledger = self.system.stripe.ledger();
                let events = ledger.pending_events();
                if events.is_empty() {
                    return Ok(());
                }
                let picked = self.decisions.pick(events.iter().map(|event| event.id));
                events.swap_remove(picked.unwrap_or(0))
            };
            if event.is_only_source || !self.decisions.one_in(3) {
                self.begin_delivery(event);
                self.finish_tasks()?;
            } else {
                self.system.trace.step(|| format!("{} is lost", event.description()));
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.system.stripe.ledger().pending_events().is_empty()
            && self.system.table.inspect(|contents| {
                contents.bookings.values().all(|booking| booking.check_at.is_none())
            })
    }

    fn check_end(&self) -> Result<(), Violation> {
        let ledger = self.system.stripe.ledger();
        self.system.table.inspect(|contents| self.history.check_end(contents, &ledger))
    }

    /// Returns the state of each booking and how much of its money was refunded.
    fn end(&self) -> Vec<(BookingId, State, i64)> {
        let ledger = self.system.stripe.ledger();
        self.system.table.inspect(|contents| {
            let bookings = contents.bookings.values();
            let mut end: Vec<_> = bookings
                .map(|booking| {
                    let payment = booking.payment.as_deref().unwrap_or_default();
                    (booking.id.clone(), booking.state, ledger.refunded(payment))
                })
                .collect();
            end.sort_unstable_by(|(a, ..), (b, ..)| a.cmp(b));
            end
        })
    }
}
