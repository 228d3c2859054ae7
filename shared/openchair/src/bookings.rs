//! Bookings at work: the domain's decisions, carried out on the table and at
//! Stripe, safe to repeat after a crash at any point.
//!
//! | module | what is in it |
//! |---|---|
//! | `reserve` | placing a hold, or resuming one |
//! | `page` | the session in which it is paid |
//! | `settle` | what Stripe says about a booking, and what becomes of it |
//! | `refund` | sending money back, once |
//! | `cancel` | a client who does not want it any more |
//! | `reconcile` | what no event has settled |
//! | `keys` | what is kept as a hash |
//! | `wiring` | what a function's environment makes of it |
//!
//! Three rules hold everywhere. The table is written before Stripe is asked
//! for anything that money can follow. A time is given up only when Stripe has
//! said that its session can be paid no more. What Stripe says becomes an
//! [`BookingEvent`](salon::booking::BookingEvent), and only events change a booking.

mod cancel;
mod keys;
mod page;
mod reconcile;
mod refund;
mod reserve;
mod settle;
#[cfg(all(feature = "calendars", feature = "dynamodb"))]
mod wiring;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

pub use self::cancel::CancelError;
pub use self::keys::{address_key, fingerprint, request_key};
pub use self::reconcile::{Budget, Report};
pub use self::reserve::{Request, ReserveError, Reserved};
pub use self::settle::{Cause, SettleError};
use crate::busy::BusyReader;
use crate::random::Random;
use crate::store::{Consistency, StoreError};
use salon::booking::BookingId;
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::{DateRange, Salon};

/// How often a change is tried that others get ahead of. Each of them made
/// one, and a day has no room for more.
const TRIES: u32 = 40;

/// The salon's bookings.
#[derive(Debug)]
pub struct Bookings<S, O, P> {
    salon: Arc<Salon>,
    reader: BusyReader<S, O>,
    payments: P,
    random: Random,
}

impl<S, O, P> Bookings<S, O, P> {
    /// Takes the salon's bookings in hand.
    pub const fn new(
        salon: Arc<Salon>,
        reader: BusyReader<S, O>,
        payments: P,
        random: Random,
    ) -> Self {
        Self { salon, reader, payments, random }
    }

    /// Returns the salon.
    pub fn salon(&self) -> &Salon {
        &self.salon
    }

    /// Returns how Stripe is asked.
    pub const fn payments(&self) -> &P {
        &self.payments
    }
}

impl<S: crate::store::Store, O: crate::busy::Origin, P> Bookings<S, O, P> {
    /// Returns the time in whole seconds, as it is kept in the table.
    fn now(&self) -> Timestamp {
        let now = self.reader.clock().now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Waits for a moment, after others got ahead of a change.
    async fn step_back(&self, attempt: u32) {
        use std::time::Duration;
        const BACKOFF: crate::backoff::Backoff = crate::backoff::Backoff {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(150),
        };
        let mut random = fastrand::Rng::with_seed(self.random.seed());
        self.reader.clock().pause(BACKOFF.pause(attempt, None, &mut random)).await;
    }

    /// Reads one day sheet, as of now.
    async fn sheet(&self, staff: &StaffId, date: Date) -> Result<DaySheet, StoreError> {
        let day = DateRange::single(date);
        let mut sheets = self.reader.store().sheets(&[staff], day, Consistency::Strong).await?;
        Ok(sheets.remove(staff).and_then(|sheets| sheets.into_iter().next()).unwrap_or_default())
    }
}

/// Makes the error of a change that others always got ahead of.
fn contended() -> StoreError {
    StoreError::Unavailable {
        asked: "a booking's change",
        source: "others kept changing the same items".into(),
    }
}

fn gone(id: &BookingId) -> StoreError {
    let problem = "it is gone while it was worked on".to_owned();
    StoreError::Corrupt { key: format!("BOOKING#{id}"), problem }
}
