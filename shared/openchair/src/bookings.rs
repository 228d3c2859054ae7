//! Carries out the domain's decisions, on the table and at Stripe. After a crash
//! at any point, the call can be repeated.
//!
//! | module | what it does |
//! |---|---|
//! | `booking_request` | what a client requests, and what comes of it |
//! | `reserve` | places a hold, or resumes one |
//! | `own_hold` | what a client already holds: found again, or given up for another time |
//! | `payment_session` | opens the Stripe session in which a booking is paid |
//! | `settle` | brings a booking up to date with Stripe |
//! | `stripe_status` | turns what Stripe says about a session into an event |
//! | `payment_context` | looks up whether the time of a late payment is free |
//! | `transition` | applies an event and writes what follows from it |
//! | `line` | serves those who stand by for a time |
//! | `hold_counts` | keeps the counts that limit unpaid bookings |
//! | `bare_deposits` | limits deposits without a booking |
//! | `update` | the optimistic read–change–write loop |
//! | `refunding` | sends money back, once |
//! | `refund_check` | finds refunds whose events were lost, every day |
//! | `cancel` | cancels for a client |
//! | `reconciliation` | settles what no event has settled |
//! | `idempotency_keys` | the keys of repeated requests and of hold limits, as hashes |
//! | `from_environment` | builds all this from a function's environment |
//!
//! Three rules hold everywhere:
//! - The table is written before any request to Stripe that may move money.
//! - A time is given up only after Stripe has confirmed that its session can no
//!   longer be paid.
//! - What Stripe says becomes a [`BookingEvent`](salon::booking::BookingEvent), and
//!   only events change the state of a booking.

mod bare_deposits;
mod booking_request;
mod cancel;
#[cfg(all(feature = "calendars", feature = "dynamodb"))]
mod from_environment;
mod hold_counts;
mod idempotency_keys;
mod line;
mod own_hold;
mod payment_context;
mod payment_session;
mod reconciliation;
mod refund_check;
mod refunding;
mod reserve;
mod settle;
mod stripe_status;
mod transition;
mod update;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

pub use self::booking_request::{BookingRequest, Reservation, ReserveError};
pub use self::cancel::CancelError;
pub use self::idempotency_keys::{address_key, fingerprint, request_key};
pub use self::own_hold::Replaces;
pub use self::reconciliation::{ReconcileBudget, ReconcileReport};
pub use self::settle::SettleError;
pub use self::transition::Trigger;
use crate::busy::BusyReader;
use crate::random::Random;
use crate::store::{Consistency, StoreError};
use salon::booking::BookingId;
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::{DateRange, Salon};

/// The salon's bookings.
#[derive(Debug)]
pub struct Bookings<S, O, P> {
    salon: Arc<Salon>,
    reader: BusyReader<S, O>,
    payments: P,
    random: Random,
}

impl<S, O, P> Bookings<S, O, P> {
    pub const fn new(
        salon: Arc<Salon>,
        reader: BusyReader<S, O>,
        payments: P,
        random: Random,
    ) -> Self {
        Self { salon, reader, payments, random }
    }

    pub fn salon(&self) -> &Salon {
        &self.salon
    }

    pub const fn payments(&self) -> &P {
        &self.payments
    }
}

impl<S: crate::store::Store, O: crate::busy::Origin, P> Bookings<S, O, P> {
    /// Returns the time in whole seconds, as it is stored in the table.
    fn now(&self) -> Timestamp {
        let now = self.reader.clock().now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Reads one day sheet. The read is strongly consistent.
    async fn sheet(&self, staff: &StaffId, date: Date) -> Result<DaySheet, StoreError> {
        let day = DateRange::single(date);
        let mut sheets = self.reader.store().sheets(&[staff], day, Consistency::Strong).await?;
        Ok(sheets.remove(staff).and_then(|sheets| sheets.into_iter().next()).unwrap_or_default())
    }
}

/// The error of a booking that was deleted while it was worked on.
fn vanished(id: &BookingId) -> StoreError {
    let problem = "it was deleted while it was worked on".to_owned();
    StoreError::Corrupt { key: format!("BOOKING#{id}"), problem }
}
