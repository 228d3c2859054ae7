//! Places a hold on a time and opens the Stripe session that pays for it.

use std::collections::HashMap;

use futures_util::try_join;
use jiff::{SignedDuration, Timestamp};

use super::Bookings;
use super::booking_request::{BookingRequest, Reservation, ReserveError};
use super::hold_counts::counts_after_giving_up;
use super::idempotency_keys::customer_keys;
use super::own_hold::without;
use super::payment_session::CheckoutParameters;
use super::settle::SettleError;
use super::transition::Trigger;
use super::update::Attempt;
use crate::busy::Origin;
use crate::payments::{Payments, StripeError};
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCount, HoldCountChange, RequestKeyChange, StoredRequest,
    WriteOutcome,
};
use crate::store::{Consistency, StoreError};
use crate::telemetry::metrics::{Metric, count};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, ManageToken, PaymentIncidents, State, Terms};
use salon::day_sheet::DaySheet;
use salon::placement::{SlotRequest, SlotUnavailable};
use salon::service::{StaffId, StaffMember};

/// How long an idempotency key is valid.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How many alternatives are offered for a taken time.
const MAX_ALTERNATIVES: usize = 5;

/// The place of a new booking.
enum Place {
    /// The time is free.
    Hold { staff: StaffId },
    /// Only holds are in the way, and the last of them ends then.
    Standby { staff: StaffId, decided_by: Timestamp },
}

impl Place {
    const fn staff(&self) -> &StaffId {
        match self {
            Self::Hold { staff } | Self::Standby { staff, .. } => staff,
        }
    }
}

/// How the search for a free time ended.
enum Placement {
    /// A hold was placed.
    New(Box<Booking>),
    /// An earlier request under the same idempotency key has placed one.
    Earlier(StoredRequest),
    /// The same client has placed one, as far as can be seen.
    Own(Box<Booking>),
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Places a hold and opens the session in which it is paid. A repeat of the
    /// request resumes the same hold.
    ///
    /// # Errors
    /// See [`ReserveError`]. The checks run in this order: salon rules, the client's own
    /// hold, the booking to be replaced, hold limits, availability.
    pub async fn reserve(&self, request: &BookingRequest<'_>) -> Result<Reservation, ReserveError> {
        let slot = request.slot();
        let rules = slot.check_rules(&self.salon, self.now());
        if request.key.is_none() {
            // There is nothing to resume, so a rule violation can fail before any read.
            rules?;
        }
        let candidates: Vec<&StaffMember> =
            self.salon.eligible_staff(Some(&slot.service.id), slot.staff).collect();
        let customer_keys = customer_keys(&request.customer, request.address.as_ref());
        let hold_keys: Vec<HoldKey> =
            customer_keys.iter().chain(&request.address).cloned().collect();
        let placement = self
            .retry_conflicts(|_| async {
                let day = DateRange::single(slot.date(&self.salon));
                let (mut busy, context) = try_join!(
                    self.reader.read_days(&self.salon, &candidates, day, Consistency::Strong),
                    self.reader.store().reservation_context(&hold_keys, request.key.as_ref()),
                )?;
                let now = self.now();
                if let Some(stored) = context.request.filter(|stored| now < stored.until) {
                    return Ok(Attempt::Done(Placement::Earlier(stored)));
                }
                rules?;
                let counts = context.hold_counts;
                let own = self.find_own_hold(request, &counts, &customer_keys, now).await?;
                if let Some(own) = own {
                    return Ok(Attempt::Done(Placement::Own(Box::new(own))));
                }
                let replaced = self.replaced(request).await?;
                if let Some(replaced) = &replaced {
                    without(&mut busy, replaced);
                }
                let given_up = replaced.as_ref().map(|replaced| {
                    counts_after_giving_up(&counts, replaced, request.address.as_ref(), now)
                });
                let remaining = given_up.as_ref().unwrap_or(&counts);
                self.check_limits(remaining, &customer_keys, request, now)?;

                let sheets: HashMap<StaffId, DaySheet> = busy
                    .sheets
                    .iter()
                    .map(|(id, sheets)| (id.clone(), sheets.first().cloned().unwrap_or_default()))
                    .collect();
                let place = match slot.choose_staff(&self.salon, &busy.times(), &sheets, now) {
                    Ok(staff) => Place::Hold { staff },
                    Err(SlotUnavailable::Unknown) => return Err(ReserveError::CalendarUnknown),
                    Err(SlotUnavailable::Taken) => {
                        let standby = if request.is_standby {
                            slot.choose_standby(&self.salon, &busy.standby_times(), &sheets, now)
                        } else {
                            None
                        };
                        match standby {
                            Some((staff, decided_by)) => Place::Standby { staff, decided_by },
                            None => return Err(self.taken(&slot).await?),
                        }
                    }
                };
                if let Some(replaced) = &replaced {
                    self.give_up(replaced, request.address.as_ref()).await?;
                    return Ok(Attempt::ReadAgain);
                }
                let sheet = sheets.get(place.staff()).cloned().unwrap_or_default();
                let booking = self.draft(request, place, &sheet, hold_keys.clone(), now);
                if booking.state == State::Held
                    && self.settle_ended_holds(&sheet, &booking, &slot, now).await?
                {
                    return Ok(Attempt::ReadAgain);
                }
                Ok(match self.place(&booking, &sheet, &counts, request, now).await? {
                    WriteOutcome::Written(booking) => {
                        Attempt::Done(Placement::New(Box::new(booking)))
                    }
                    WriteOutcome::Conflict => Attempt::Conflict,
                })
            })
            .await?;
        let booking = match placement {
            Placement::New(booking) => *booking,
            Placement::Earlier(stored) => return self.resume(&stored, request).await,
            Placement::Own(booking) => return self.continue_booking(*booking, false).await,
        };
        count(Metric::HoldsPlaced);
        tracing::info!(
            booking.id = %booking.id, booking.to = booking.state.as_str(),
            booking.trigger = "checkout", "Booking made, to be paid"
        );
        let booking = self.open_session(booking).await?;
        Ok(Reservation { booking, is_new: true, is_owner: true })
    }

    /// Settles the ended holds that overlap `booking`. Returns whether
    /// there were any.
    async fn settle_ended_holds(
        &self,
        sheet: &DaySheet,
        booking: &Booking,
        slot: &SlotRequest<'_>,
        now: Timestamp,
    ) -> Result<bool, ReserveError> {
        let in_the_way = sheet.unsettled_holds_in(booking.taken(), now);
        let ended: Vec<BookingId> = in_the_way.map(|entry| entry.booking_id.clone()).collect();
        for id in &ended {
            match self.settle(id, Trigger::NewHold).await {
                // Stripe does not know its session, so it may have been paid.
                Err(SettleError::Stripe(StripeError::Rejected(_))) => {
                    return Err(self.taken(slot).await?);
                }
                settled => drop(settled?),
            }
        }
        Ok(!ended.is_empty())
    }

    /// Checks that there is room for another unpaid hold.
    fn check_limits(
        &self,
        counts: &HashMap<HoldKey, HoldCount>,
        customer_keys: &[HoldKey],
        request: &BookingRequest<'_>,
        now: Timestamp,
    ) -> Result<(), ReserveError> {
        let limits = &self.salon.hold_limits;
        let keys = customer_keys.iter().map(|key| (key, limits.per_customer));
        let keys = keys.chain(request.address.iter().map(|key| (key, limits.per_address)));
        let full = keys.filter_map(|(key, limit)| counts.get(key)?.full_until(limit, now));
        match full.max() {
            Some(until) => {
                count(Metric::HoldsRefused);
                Err(ReserveError::TooManyHolds { until })
            }
            None => Ok(()),
        }
    }

    /// Builds the booking for a new hold.
    fn draft(
        &self,
        request: &BookingRequest<'_>,
        place: Place,
        sheet: &DaySheet,
        hold_keys: Vec<HoldKey>,
        now: Timestamp,
    ) -> Booking {
        let slot = request.slot();
        let id = BookingId::from_bits(self.random.bits());
        let (appointment, free_from) = slot.times(&self.salon);
        let terms = Terms {
            price: slot.service.price,
            deposit: slot.service.deposit,
            cancellation: self.salon.cancellation,
            retention_days: self.salon.retention_days,
        };
        let (state, staff, hold_until) = match place {
            Place::Hold { staff } => (State::Held, staff, self.salon.hold_until(now)),
            Place::Standby { staff, decided_by } => (State::Standby, staff, decided_by),
        };
        let is_standby = state == State::Standby;
        let checkout = self.checkout(&CheckoutParameters {
            hold_until,
            is_standby,
            offers_delayed: self.salon.delayed_methods
                && !is_standby
                && sheet.has_room_for_delayed(),
            booking_id: &id,
            attempt: 1,
            ui: request.ui,
            deposit: terms.deposit,
            service_title: &slot.service.title,
            customer_email: request.customer.email.as_str(),
            now,
        });
        Booking {
            manage_token: ManageToken::from_bits(self.random.bits()),
            state,
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
            incidents: PaymentIncidents::default(),
            hold_keys,
            request_key: request.key.clone(),
            hold_until,
            is_standby,
            in_line_since: None,
            created_at: now,
            changed_at: now,
            check_at: Some(Booking::first_check(now)),
            id,
        }
    }

    /// Writes a new hold: the booking, its entry on the day sheet, the hold counts
    /// and the idempotency key.
    async fn place(
        &self,
        booking: &Booking,
        sheet: &DaySheet,
        counts: &HashMap<HoldKey, HoldCount>,
        request: &BookingRequest<'_>,
        now: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let sheet = sheet.with(booking);
        let until = booking.hold_until;
        let counted = |key: &HoldKey| {
            let known = counts.get(key).cloned().unwrap_or_default();
            (key.clone(), known.with(&booking.id, until, now))
        };
        let counts: Vec<_> = booking.hold_keys.iter().map(counted).collect();
        let stored = StoredRequest {
            booking_id: booking.id.clone(),
            fingerprint: request.fingerprint.clone(),
            until: now + KEY_LIFETIME,
        };
        let request_key = match &request.key {
            Some(key) => RequestKeyChange::Store { key, request: &stored, now },
            None => RequestKeyChange::None,
        };
        let change = BookingChange {
            booking,
            sheet: sheet.as_ref().map(|sheet| (&booking.staff, booking.date, sheet)),
            hold_counts: HoldCountChange::Set(&counts),
            request_key,
        };
        self.reader.store().write(&change).await
    }

    /// Returns the booking that the same request created before, with its session.
    async fn resume(
        &self,
        stored: &StoredRequest,
        request: &BookingRequest<'_>,
    ) -> Result<Reservation, ReserveError> {
        if stored.fingerprint != request.fingerprint {
            return Err(ReserveError::AnotherRequest);
        }
        let booking = self.reader.store().booking(&stored.booking_id).await?;
        let booking = booking.ok_or_else(|| StoreError::Corrupt {
            key: format!("BOOKING#{}", stored.booking_id),
            problem: "the booking was deleted, but its idempotency key still exists".to_owned(),
        })?;
        self.continue_booking(booking, true).await
    }

    /// Returns a booking that exists, with its session.
    async fn continue_booking(
        &self,
        booking: Booking,
        is_owner: bool,
    ) -> Result<Reservation, ReserveError> {
        let awaits_client = booking.state.awaits_client();
        let booking = if awaits_client && booking.checkout.expires_at <= self.now() {
            // It can no longer be paid, so it is settled and the outcome is returned.
            self.settle(&booking.id, Trigger::RepeatedRequest).await?.unwrap_or(booking)
        } else if awaits_client && booking.checkout.session.is_none() {
            self.open_session(booking).await?
        } else {
            booking
        };
        Ok(Reservation { booking, is_new: false, is_owner })
    }

    /// Builds the error for a taken time, with alternatives.
    async fn taken(&self, slot: &SlotRequest<'_>) -> Result<ReserveError, StoreError> {
        let busy = self.reader.read(&self.salon, Consistency::Strong).await?;
        let alternatives =
            slot.alternatives(&self.salon, &busy.times(), busy.now, MAX_ALTERNATIVES);
        Ok(ReserveError::Taken { alternatives })
    }
}
