//! What visitors were charged: the sandbox's ledger, compared with the bookings.

use std::time::Duration;

use openchair::store::booking_store::BookingStore as _;
use salon::booking::{BookingId, State};
use stand_ins::sandbox::PaymentState;
use tokio::time::{Instant, sleep};

use super::test_bed::TestBed;
use crate::measure_error::{Context as _, Error};
use crate::statistics::float;

/// How long events may take to settle the last payments.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// All payments at the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charges {
    /// Captured payments.
    captured: usize,
    /// Captured payments with a refund, whether or not it has succeeded.
    refunded: usize,
    /// Captured payments whose booking is not confirmed.
    without_booking: usize,
    /// Authorised payments that were neither captured nor cancelled.
    authorised: usize,
    /// Authorised payments that were cancelled. They cost nobody anything.
    cancelled: usize,
}

impl Charges {
    /// Reads the ledger once all payments are settled, or after a while.
    pub(super) async fn settled(bed: &TestBed<'_>) -> Result<Self, Error> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let charges = Self::read(bed).await?;
            if charges.without_booking + charges.authorised == 0 || Instant::now() > deadline {
                return Ok(charges);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn read(bed: &TestBed<'_>) -> Result<Self, Error> {
        let mut charges = Self::default();
        for session in bed.sandbox.sessions() {
            let Some(payment) = bed.sandbox.payment(&session.id) else { continue };
            let booking = match session.client_reference_id.as_deref().and_then(BookingId::parse) {
                Some(id) => bed.store.booking(&id).await.context("could not read a booking")?,
                None => None,
            };
            let has_refund = !bed.sandbox.refunds(&payment.id).is_empty();
            charges.count(payment.state, has_refund, booking.map(|booking| booking.state));
        }
        Ok(charges)
    }

    fn count(&mut self, payment: PaymentState, has_refund: bool, booking: Option<State>) {
        match payment {
            PaymentState::Succeeded => {
                self.captured += 1;
                self.refunded += usize::from(has_refund);
                self.without_booking += usize::from(booking != Some(State::Confirmed));
            }
            PaymentState::Authorised => self.authorised += 1,
            PaymentState::Cancelled => self.cancelled += 1,
            PaymentState::Processing | PaymentState::Failed => {}
        }
    }

    /// Returns the figures of a table's row.
    pub(super) fn figures(self) -> impl Iterator<Item = (&'static str, f64)> {
        let figures = [
            ("captured", self.captured),
            ("charged and refunded", self.refunded),
            ("charged without a booking", self.without_booking),
            ("authorisations left", self.authorised),
            ("authorisations cancelled", self.cancelled),
        ];
        figures.into_iter().map(|(name, count)| (name, float(count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_judged_by_its_refunds_and_by_its_booking() {
        use PaymentState::{Authorised, Cancelled, Failed, Processing, Succeeded};
        let none = Charges::default();
        let captured = Charges { captured: 1, ..none };
        let unbooked = Charges { without_booking: 1, ..captured };
        let refunded = Charges { refunded: 1, ..unbooked };
        let authorised = Charges { authorised: 1, ..none };
        for (payment, has_refund, booking, expected) in [
            (Succeeded, false, Some(State::Confirmed), captured),
            (Succeeded, true, Some(State::Confirmed), Charges { refunded: 1, ..captured }),
            (Succeeded, true, Some(State::Refunded), refunded),
            (Succeeded, false, Some(State::Released), unbooked),
            (Succeeded, false, None, unbooked),
            (Authorised, false, Some(State::InLine), authorised),
            (Authorised, false, Some(State::Released), authorised),
            (Cancelled, false, Some(State::Released), Charges { cancelled: 1, ..none }),
            (Processing, false, Some(State::Processing), none),
            (Failed, false, Some(State::Held), none),
        ] {
            let mut charges = none;
            charges.count(payment, has_refund, booking);
            assert_eq!(charges, expected, "{payment:?} {has_refund} {booking:?}");
        }
    }
}
