//! The response bodies of bookings, as JSON.

use jiff::Timestamp;
use salon::Salon;
use salon::booking::{Booking, BookingId, State};
use salon::money::Money;
use salon::service::{ServiceId, StaffId};
use serde::Serialize;

/// Writes a hold, for the client that placed it.
pub(crate) fn hold(salon: &Salon, booking: &Booking, is_owner: bool) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(clippy::struct_field_names, reason = "these are the contract's names")]
    struct Hold<'a> {
        booking_id: &'a BookingId,
        /// `null` if the client has not shown that the booking is theirs.
        manage_token: Option<&'a str>,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        hold_expires_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        decided_by: Option<String>,
        session_id: Option<&'a str>,
        client_secret: Option<&'a str>,
        url: Option<&'a str>,
        start: String,
        end: String,
        staff_id: &'a StaffId,
        deposit: Money,
        cancellation: Cancellation,
    }

    let session = booking.checkout.session.as_ref();
    // What a page needs to pay is of no use once the session can no longer be paid.
    let payable = session.filter(|_| booking.state.awaits_client());
    let hold = Hold {
        booking_id: &booking.id,
        manage_token: is_owner.then(|| booking.manage_token.expose()),
        status: booking.state.as_str(),
        hold_expires_at: (!booking.is_standby).then(|| local(salon, booking.hold_until)),
        decided_by: booking.is_standby.then(|| local(salon, booking.hold_until)),
        session_id: session.map(|session| session.id.as_str()),
        client_secret: payable.and_then(|session| session.client_secret.as_deref()),
        url: payable.and_then(|session| session.url.as_deref()),
        start: local(salon, booking.appointment.start()),
        end: local(salon, booking.appointment.end()),
        staff_id: &booking.staff,
        deposit: booking.terms.deposit,
        cancellation: Cancellation::of(salon, booking),
    };
    serde_json::to_string(&hold).expect("text and numbers are always JSON")
}

/// Writes a booking, for anyone who has its id: without personal data and without the
/// manage token.
pub(crate) fn booking(salon: &Salon, booking: &Booking) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        booking_id: &'a BookingId,
        status: &'static str,
        service_id: &'a ServiceId,
        start: String,
        end: String,
        staff_id: &'a StaffId,
        #[serde(skip_serializing_if = "Option::is_none")]
        decided_by: Option<String>,
        deposit: Money,
        #[serde(skip_serializing_if = "Option::is_none")]
        refund: Option<Money>,
        cancellation: Cancellation,
    }

    let shown = Shown {
        booking_id: &booking.id,
        status: booking.state.as_str(),
        service_id: &booking.service,
        start: local(salon, booking.appointment.start()),
        end: local(salon, booking.appointment.end()),
        staff_id: &booking.staff,
        decided_by: matches!(booking.state, State::Standby | State::InLine)
            .then(|| local(salon, booking.hold_until)),
        deposit: booking.terms.deposit,
        refund: booking.refund.map(|refund| refund.amount),
        cancellation: Cancellation::of(salon, booking),
    };
    serde_json::to_string(&shown).expect("text and numbers are always JSON")
}

/// The refund of the deposit after a cancellation, by the terms of the booking.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancellation {
    full_refund_until: String,
    late_refund: Money,
}

impl Cancellation {
    fn of(salon: &Salon, booking: &Booking) -> Self {
        let terms = booking.terms;
        let until = terms.cancellation.full_refund_until(booking.appointment.start());
        Self {
            full_refund_until: local(salon, until),
            late_refund: terms.cancellation.late_refund(terms.deposit),
        }
    }
}

/// Formats an instant with the salon's offset from UTC.
pub(crate) fn local(salon: &Salon, at: Timestamp) -> String {
    at.display_with_offset(salon.time_zone.to_offset(at)).to_string()
}
