//! Maps errors of reserving and cancelling to responses.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use openchair::bookings::{CancelError, ReserveError};
use openchair::http::{ApiError, ErrorCode};
use openchair::payments::StripeError;
use salon::Salon;
use salon::placement::RuleError;

use crate::checkout_request::{RequestedTime, too_far, too_soon};

pub(crate) fn reserve_error(
    salon: &Salon,
    now: Timestamp,
    when: RequestedTime,
    error: ReserveError,
) -> ApiError {
    match error {
        ReserveError::Rule(rule) => rule_error(salon, now, rule).for_field(when.field()),
        ReserveError::TooManyHolds { until } => {
            let message = format!(
                "There are too many unpaid or cancelled bookings in your name or from your \
                 network. Pay or cancel the unpaid ones, or book again after {}.",
                wall_clock(salon, until)
            );
            let wait = seconds_until(until, now);
            ApiError::new(ErrorCode::TooManyHolds, message).retry_after(wait)
        }
        ReserveError::AnotherRequest => {
            let message = "This `Idempotency-Key` belongs to another request. Use a new one.";
            ApiError::new(ErrorCode::IdempotencyMismatch, message).for_field("idempotency-key")
        }
        ReserveError::Replaces(error) => cancel_error(error).for_field("replaces"),
        ReserveError::ReplacedIsPaid => {
            let message = "The booking to be replaced is paid. It stays as it is.";
            ApiError::new(ErrorCode::NotCancellable, message).for_field("replaces")
        }
        ReserveError::Taken { alternatives } => {
            let shown = alternatives.iter().map(|it| it.at.display_with_offset(it.offset));
            ApiError::new(ErrorCode::SlotTaken, "That time has just been taken.")
                .for_field(when.field())
                .with_alternatives(shown.map(|start| start.to_string()).collect())
        }
        ReserveError::CalendarUnknown => ApiError::calendar_unavailable(),
        ReserveError::Store(error) => error.into(),
        ReserveError::Refused(error) if rejects_email(&error) => {
            let message = "The payment service does not accept this e-mail address. Check the \
                           spelling, or use another address.";
            ApiError::new(ErrorCode::InvalidField, message)
                .for_field("clientEmail")
                .caused_by(error)
        }
        ReserveError::Stripe(error) | ReserveError::Refused(error) => error.into(),
    }
}

/// Returns whether Stripe names the visitor's e-mail address as what is wrong.
fn rejects_email(error: &StripeError) -> bool {
    let param = error.details().and_then(|details| details.param.as_deref());
    param == Some("customer_email")
}

pub(crate) fn cancel_error(error: CancelError) -> ApiError {
    match error {
        CancelError::Unknown => unknown_booking(),
        CancelError::Forbidden => ApiError::new(
            ErrorCode::Forbidden,
            "This `manageToken` does not belong to this booking.",
        )
        .for_field("manageToken"),
        CancelError::Begun => ApiError::new(
            ErrorCode::NotCancellable,
            "The appointment has begun. Please call the salon.",
        ),
        CancelError::Unsettled(error) => error.into(),
    }
}

pub(crate) fn unknown_booking() -> ApiError {
    ApiError::new(ErrorCode::UnknownBooking, "There is no booking with this id.")
}

/// Makes the response to a request for a deposit without a booking from a network address
/// that has asked for as many as the salon allows.
pub(crate) fn too_many_deposits(salon: &Salon, now: Timestamp, until: Timestamp) -> ApiError {
    let message = format!(
        "Too many deposits were asked for from your network. Try again after {}, or book a time.",
        wall_clock(salon, until)
    );
    ApiError::new(ErrorCode::TooManyDeposits, message).retry_after(seconds_until(until, now))
}

fn seconds_until(until: Timestamp, now: Timestamp) -> u64 {
    until.duration_since(now).as_secs().max(1).unsigned_abs()
}

/// Returns the salon's wall-clock time, to the next full minute.
fn wall_clock(salon: &Salon, at: Timestamp) -> String {
    let minute = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Ceil);
    let at = salon.time_zone.to_datetime(at.round(minute).unwrap_or(at));
    at.strftime("%A, %B %-d, %-I:%M %p").to_string()
}

fn rule_error(salon: &Salon, now: Timestamp, rule: RuleError) -> ApiError {
    match rule {
        RuleError::OutsideHours => {
            let message = "The salon is not open for all of this appointment.";
            ApiError::new(ErrorCode::OutsideHours, message)
        }
        RuleError::TooSoon => too_soon(salon),
        RuleError::TooFar => too_far(salon, now),
        RuleError::NotOnStep => {
            let step = salon.slot_step_minutes;
            let message =
                format!("Appointments start every {step} minutes, counted from midnight.");
            ApiError::new(ErrorCode::NotOnStep, message)
        }
    }
}
