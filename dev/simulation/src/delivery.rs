//! Events on the last part of their way: what a webhook's handler does with
//! them.

use openchair::payments::webhook::SessionChange;
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange,
};
use salon::booking::{Booking, State};
use salon::day_sheet::DaySheet;

use super::bug::Bug;
use super::schedule::World;
use super::stripe::{Mail, Subject};

/// Delivers an event. Tells whether it was taken; otherwise it comes again.
pub(super) async fn deliver(world: &World, bug: Option<Bug>, mail: &Mail) -> bool {
    let id = &mail.booking;
    match &mail.subject {
        Subject::Session(change, session) => {
            if bug == Some(Bug::OrderAssumed) {
                rewind(world, mail, *change).await;
            }
            world.bookings.on_session(id, *change, session).await.is_ok()
        }
        Subject::Refund => world.bookings.on_refund(id).await.is_ok(),
    }
}

/// Puts a booking into the state after which an event comes when nothing comes
/// twice, late or out of order.
async fn rewind(world: &World, mail: &Mail, change: SessionChange) {
    let state = match change {
        SessionChange::Completed | SessionChange::Expired => State::Held,
        SessionChange::PaymentSucceeded | SessionChange::PaymentFailed => State::Processing,
    };
    let Ok(Some(read)) = world.table.booking(&mail.booking).await else { return };
    let booking = Booking { state, ..read };
    let sheet = world.table.contents().inspect(|contents| {
        let known = contents.sheets.get(&(booking.staff.clone(), booking.date)).cloned();
        known
            .as_ref()
            .map_or_else(DaySheet::default, Clone::clone)
            .with(&booking.id, booking.entry())
    });
    let change = BookingChange {
        booking: &booking,
        sheet: sheet.as_ref().map(|sheet| (&booking.staff, booking.date, sheet)),
        hold_counts: HoldCountChange::None,
        request_key: RequestKeyChange::None,
    };
    // If it fails, the event is taken as it should be.
    let _ = world.table.write(&change).await;
}
