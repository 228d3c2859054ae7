//! Delivers Stripe's events to the code behind the webhook.

use openchair::payments::webhook::SessionChange;
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange,
};
use salon::booking::{Booking, State};

use super::planted_bug::Bug;
use super::stripe_model::{Subject, WebhookEvent};
use super::system::System;

/// Delivers an event. Returns whether it was accepted; otherwise Stripe sends it
/// again.
pub(super) async fn deliver(system: &System, bug: Option<Bug>, event: &WebhookEvent) -> bool {
    let id = &event.booking;
    match &event.subject {
        Subject::Session(change, session) => {
            if bug == Some(Bug::OrderAssumed) {
                rewind(system, event, *change).await;
            }
            system.bookings.handle_session_event(id, *change, session).await.is_ok()
        }
        Subject::Refund => system.bookings.handle_refund_event(id).await.is_ok(),
    }
}

/// Puts a booking into the state in which it receives an event when every event
/// comes once and in order.
async fn rewind(system: &System, event: &WebhookEvent, change: SessionChange) {
    let state = match change {
        SessionChange::Completed | SessionChange::Expired => State::Held,
        SessionChange::PaymentSucceeded | SessionChange::PaymentFailed => State::Processing,
    };
    let Ok(Some(read)) = system.table.booking(&event.booking).await else { return };
    let booking = Booking { state, ..read };
    let sheet = system.table.inspect(|contents| {
        let known = contents.sheets.get(&(booking.staff.clone(), booking.date)).cloned();
        known.unwrap_or_default().with(&booking.id, booking.entry())
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
