use jiff::SignedDuration;
use salon::booking::{BookingId, State};

use super::{POLLS, Schedule};
use crate::invariants::Violation;

/// How a schedule comes to rest.
impl Schedule<'_> {
    /// Lets nothing more go wrong, lets time pass until nothing is on its way,
    /// and checks what has become of it all; then lets all events come again.
    pub(super) fn come_to_rest(&mut self) -> Result<(), Violation> {
        /// The time between one look at everything and the next, in minutes. A
        /// stored failure is forgotten after a day.
        const PAUSES: [i64; 9] = [45, 60, 1_500, 1_500, 60, 1_500, 60, 1_500, 1_500];
        self.world.trace.note(|| "nothing goes wrong any more".to_owned());
        self.world.table.recover();
        self.world.stripe.ledger().recover();
        self.telling.recover();
        self.finish_tasks()?;
        let mut is_at_rest = false;
        for pause in PAUSES {
            self.deliver_all()?;
            self.reconcile();
            self.finish_tasks()?;
            while self.world.stripe.ledger().let_bank_decide() {
                self.check()?;
            }
            is_at_rest = self.is_at_rest();
            if is_at_rest {
                break;
            }
            self.pass(SignedDuration::from_mins(pause))?;
        }
        if !is_at_rest {
            return Err("it does not come to rest".to_owned());
        }
        self.check_end()?;

        let end = self.end();
        let mut again = self.world.stripe.ledger().sent().to_vec();
        self.random.shuffle(&mut again);
        self.world.trace.note(|| "all events come again".to_owned());
        for mail in again {
            self.begin_delivery(mail);
            self.finish_tasks()?;
        }
        if self.end() != end {
            return Err("events that came again changed how it ended".to_owned());
        }
        self.check_end()?;
        self.telling.come_to_rest()
    }

    fn finish_tasks(&mut self) -> Result<(), Violation> {
        for _ in 0..POLLS {
            if self.tasks.is_empty() {
                return Ok(());
            }
            self.poll_any()?;
            self.check()?;
        }
        Err("a task does not end".to_owned())
    }

    /// Delivers the events that are on their way, but for some that are lost.
    fn deliver_all(&mut self) -> Result<(), Violation> {
        loop {
            let mail = {
                let mut ledger = self.world.stripe.ledger();
                let mail = ledger.mail();
                if mail.is_empty() {
                    return Ok(());
                }
                mail.swap_remove(self.random.usize(0..mail.len()))
            };
            if mail.is_indispensable || self.random.u8(0..3) > 0 {
                self.begin_delivery(mail);
                self.finish_tasks()?;
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.world.stripe.ledger().mail().is_empty()
            && self.world.table.contents().inspect(|contents| {
                contents.bookings.values().all(|booking| booking.check_at.is_none())
            })
    }

    fn check_end(&self) -> Result<(), Violation> {
        let ledger = self.world.stripe.ledger();
        self.world.table.contents().inspect(|contents| self.watch.check_end(contents, &ledger))
    }

    /// Returns what a schedule has come to: of each booking the state, and how
    /// much of its money has gone back.
    fn end(&self) -> Vec<(BookingId, State, i64)> {
        let ledger = self.world.stripe.ledger();
        self.world.table.contents().inspect(|contents| {
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
