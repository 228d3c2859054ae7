use std::collections::HashMap;

use futures_util::try_join;
use jiff::{SignedDuration, Timestamp};

use super::keys::customer_keys;
use super::settle::{Cause, SettleError};
use super::{Bookings, TRIES, contended};
use crate::busy::Origin;
use crate::payments::{Payments, StripeError};
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCount, HoldCountChange, RequestKeyChange, StoredRequest,
    WriteOutcome,
};
use crate::store::{Consistency, StoreError};
use crate::telemetry::metrics::{Metric, count};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, ManageToken, RequestKey, State, Terms};
use salon::customer::Customer;
use salon::day_sheet::DaySheet;
use salon::payment_ui::PaymentUi;
use salon::placement::{Alternative, RuleError, SlotRequest, SlotUnavailable};
use salon::service::{Service, StaffId, StaffMember};

/// For how long an idempotency key is good.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How many alternatives are named for a time that is taken.
const ALTERNATIVES: usize = 5;

/// A request to reserve a time.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What.
    pub service: &'a Service,
    /// When.
    pub start: Timestamp,
    /// With whom; anyone otherwise.
    pub staff: Option<&'a StaffId>,
    /// Who.
    pub customer: Customer,
    /// How it is paid.
    pub ui: PaymentUi,
    /// What makes a repeat of the request safe.
    pub key: Option<RequestKey>,
    /// What tells this request from another under the same key.
    pub fingerprint: String,
    /// Where the request came from.
    pub address: Option<HoldKey>,
}

/// A hold, with the session in which it is paid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reserved {
    /// The hold.
    pub booking: Booking,
    /// Whether it was made by this request, and not by one before it.
    pub is_new: bool,
}

/// Why a time was not reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The salon's rules exclude the time.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The client, or the address, has as many unpaid holds as anyone gets.
    #[error("there are too many unpaid holds")]
    TooManyHolds {
        /// When the first of them ends by itself.
        until: Timestamp,
    },
    /// The idempotency key is another request's.
    #[error("the idempotency key was used for another request")]
    AnotherRequest,
    /// The time is somebody else's.
    #[error("the time is taken")]
    Taken {
        /// What could be booked instead, the nearest first.
        alternatives: Vec<Alternative>,
    },
    /// Nobody knows whether the time is free.
    #[error("the calendar of who could do it cannot be read")]
    CalendarUnknown,
    /// The table cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stripe cannot be asked now. A hold that was made is kept, and a repeat
    /// of the request resumes it.
    #[error("Stripe cannot be asked")]
    Stripe(#[source] StripeError),
    /// Stripe refused for good. The hold is released.
    #[error("Stripe refused the payment")]
    Refused(#[source] StripeError),
}

impl From<SettleError> for ReserveError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => Self::Store(error),
            SettleError::Stripe(error) => Self::Stripe(error),
            SettleError::CalendarUnknown => Self::CalendarUnknown,
        }
    }
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Places a hold and opens the session in which it is paid, or resumes the
    /// hold that the same request placed before.
    ///
    /// # Errors
    /// See [`ReserveError`]. The rules are looked at before the limits, and
    /// those before the time.
    pub async fn reserve(&self, request: &Request<'_>) -> Result<Reserved, ReserveError> {
        let salon = &*self.salon;
        let Request { service, start, staff, .. } = *request;
        let slot = SlotRequest { service, start, staff };
        let rules = slot.check_rules(salon, self.now());
        if request.key.is_none() {
            // Nothing to resume, so nothing to read.
            rules?;
        }
        let date = slot.date(salon);
        let day = DateRange::single(date);
        let able: Vec<&StaffMember> = salon.eligible_staff(Some(&service.id), staff).collect();
        let customer_keys = customer_keys(&request.customer);
        let hold_keys: Vec<HoldKey> =
            customer_keys.iter().chain(&request.address).cloned().collect();

        for attempt in 1..=TRIES {
            let (busy, reservation_context) = try_join!(
                self.reader.read_days(salon, &able, day, Consistency::Strong),
                self.reader.store().reservation_context(&hold_keys, request.key.as_ref()),
            )?;
            let now = self.now();
            if let Some(kept) = reservation_context.request.filter(|kept| now < kept.until) {
                return self.resume(&kept, request).await;
            }
            rules?;
            let counts = reservation_context.hold_counts;
            self.check_limits(&counts, &customer_keys, request, now)?;

            let sheets: HashMap<StaffId, DaySheet> = busy
                .sheets
                .iter()
                .map(|(id, sheets)| (id.clone(), sheets.first().cloned().unwrap_or_default()))
                .collect();
            let chosen = match slot.choose_staff(salon, &busy.times(), &sheets, now) {
                Ok(chosen) => chosen,
                Err(SlotUnavailable::Unknown) => return Err(ReserveError::CalendarUnknown),
                Err(SlotUnavailable::Taken) => return Err(self.taken(&slot).await?),
            };
            let sheet = sheets.get(&chosen).cloned().unwrap_or_default();
            let booking = self.draft(request, &slot, chosen, hold_keys.clone(), now);
            let due: Vec<BookingId> = sheet
                .unsettled_holds_in(booking.taken(), now)
                .map(|entry| entry.booking_id.clone())
                .collect();
            if !due.is_empty() {
                for id in &due {
                    match self.settle(id, Cause::NewHold).await {
                        // Stripe knows nothing of its session, so it cannot be settled.
                        Err(SettleError::Stripe(StripeError::Rejected(_))) => {
                            return Err(self.taken(&slot).await?);
                        }
                        settled => drop(settled?),
                    }
                }
                continue;
            }
            match self.place(&booking, &sheet, &counts, request, now).await? {
                WriteOutcome::Written(placed) => {
                    count(Metric::HoldsPlaced);
                    tracing::info!(
                        booking.id = %placed.id, booking.to = placed.state.as_str(),
                        booking.cause = "checkout", "A hold was placed"
                    );
                    let booking = self.open(placed).await?;
                    return Ok(Reserved { booking, is_new: true });
                }
                WriteOutcome::Conflict => self.step_back(attempt).await,
            }
        }
        Err(contended().into())
    }

    /// Tells whether there is room for another unpaid hold.
    fn check_limits(
        &self,
        counts: &HashMap<HoldKey, HoldCount>,
        of_customer: &[HoldKey],
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(), ReserveError> {
        let limits = &self.salon.hold_limits;
        let keys = of_customer.iter().map(|key| (key, limits.per_customer));
        let keys = keys.chain(request.address.iter().map(|key| (key, limits.per_address)));
        for (key, limit) in keys {
            let Some(count) = counts.get(key) else { continue };
            if count.live(now) >= limit {
                let live = count.holds.values().filter(|until| now < **until);
                return Err(ReserveError::TooManyHolds {
                    until: live.min().copied().unwrap_or(now),
                });
            }
        }
        Ok(())
    }

    fn draft(
        &self,
        request: &Request<'_>,
        slot: &SlotRequest<'_>,
        staff: StaffId,
        hold_keys: Vec<HoldKey>,
        now: Timestamp,
    ) -> Booking {
        let id = BookingId::from_bits(self.random.bits());
        let (appointment, free_from) = slot.times(&self.salon);
        let terms = Terms {
            price: slot.service.price,
            deposit: slot.service.deposit,
            cancellation: self.salon.cancellation,
            retention_days: self.salon.retention_days,
        };
        let checkout =
            self.checkout(&id, &request.customer, &slot.service.title, &terms, request.ui, 1, now);
        Booking {
            manage_token: ManageToken::from_bits(self.random.bits()),
            state: State::Held,
            version: 0,
            service: slot.service.id.clone(),
            staff,
            is_staff_named: slot.staff.is_some(),
            date: slot.date(&self.salon),
            appointment,
            free_from,
            customer: request.customer.clone(),
            terms,
            checkout,
            payment: None,
            has_conflict: false,
            refund: None,
            hold_keys,
            request_key: request.key.clone(),
            created_at: now,
            changed_at: now,
            check_at: Some(Booking::first_check(now)),
            id,
        }
    }

    /// Writes a new hold: on the day sheet, as a booking, in the counts, and
    /// under its idempotency key.
    async fn place(
        &self,
        booking: &Booking,
        sheet: &DaySheet,
        counts: &HashMap<HoldKey, HoldCount>,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let sheet = sheet.with(&booking.id, booking.entry()).unwrap_or_default();
        let until = booking.hold_until();
        let counted = |key: &HoldKey| {
            let known = counts.get(key).cloned().unwrap_or_default();
            (key.clone(), known.with(&booking.id, until, now))
        };
        let counts: Vec<_> = booking.hold_keys.iter().map(counted).collect();
        let kept = StoredRequest {
            booking_id: booking.id.clone(),
            fingerprint: request.fingerprint.clone(),
            until: now + KEY_LIFETIME,
        };
        let request = request.key.as_ref().map_or(RequestKeyChange::None, |key| {
            RequestKeyChange::Store { key, request: &kept, now }
        });
        let change = BookingChange {
            booking,
            sheet: Some((&booking.staff, booking.date, &sheet)),
            hold_counts: HoldCountChange::Set(&counts),
            request_key: request,
        };
        self.reader.store().write(&change).await
    }

    /// Returns the booking that the same request made before, with its session.
    async fn resume(
        &self,
        kept: &StoredRequest,
        request: &Request<'_>,
    ) -> Result<Reserved, ReserveError> {
        if kept.fingerprint != request.fingerprint {
            return Err(ReserveError::AnotherRequest);
        }
        let booking = self.reader.store().booking(&kept.booking_id).await?;
        let booking = booking.ok_or_else(|| StoreError::Corrupt {
            key: format!("BOOKING#{}", kept.booking_id),
            problem: "it is gone before its idempotency key".to_owned(),
        })?;
        let is_held = booking.state == State::Held;
        let booking = if is_held && booking.checkout.expires_at <= self.now() {
            // Too late to pay. Say how it ended.
            self.settle(&booking.id, Cause::Look).await?.unwrap_or(booking)
        } else if is_held && booking.checkout.session.is_none() {
            self.open(booking).await?
        } else {
            booking
        };
        Ok(Reserved { booking, is_new: false })
    }

    /// Makes the answer to a time that is taken, with what could be booked
    /// instead.
    async fn taken(&self, slot: &SlotRequest<'_>) -> Result<ReserveError, StoreError> {
        let busy = self.reader.read(&self.salon, Consistency::Strong).await?;
        let alternatives = slot.alternatives(&self.salon, &busy.times(), busy.now, ALTERNATIVES);
        Ok(ReserveError::Taken { alternatives })
    }
}
