//! What a client is told when a booking is not made or not cancelled.

use jiff::Timestamp;
use openchair::bookings::{CancelError, ReserveError};
use openchair::http::{ApiError, Code};
use salon::Salon;
use salon::placement::RuleError;

use crate::request::{When, too_far, too_soon};

pub(crate) fn not_reserved(
    salon: &Salon,
    now: Timestamp,
    when: When,
    error: ReserveError,
) -> ApiError {
    match error {
        ReserveError::Rule(rule) => against(salon, now, rule).at(when.field()),
        ReserveError::TooManyHolds { until } => {
            let message =
                "There are unpaid bookings of yours. Pay or cancel them, or wait until they end.";
            let wait = until.duration_since(now).as_secs().max(1);
            ApiError::new(Code::TooManyHolds, message).retry_after(wait.unsigned_abs())
        }
        ReserveError::AnotherRequest => {
            let message = "This `Idempotency-Key` was sent with another request. Draw a new one.";
            ApiError::new(Code::IdempotencyMismatch, message).at("idempotency-key")
        }
        ReserveError::Taken { alternatives } => {
            let shown = alternatives.iter().map(|it| it.at.display_with_offset(it.offset));
            ApiError::new(Code::SlotTaken, "That time has just been taken.")
                .at(when.field())
                .instead(shown.map(|start| start.to_string()).collect())
        }
        ReserveError::CalendarUnknown => ApiError::calendar_unavailable(),
        ReserveError::Store(error) => error.into(),
        ReserveError::Stripe(error) | ReserveError::Refused(error) => error.into(),
    }
}

pub(crate) fn not_cancelled(error: CancelError) -> ApiError {
    match error {
        CancelError::Unknown => unknown_booking(),
        CancelError::Forbidden => {
            ApiError::new(Code::Forbidden, "This `manageToken` is not the booking's.")
                .at("manageToken")
        }
        CancelError::Begun => {
            ApiError::new(Code::NotCancellable, "The appointment has begun. Please call the salon.")
        }
        CancelError::Expired => {
            let message = "The booking was not paid in time and has ended by itself.";
            ApiError::new(Code::NotCancellable, message)
        }
        CancelError::Unsettled(error) => error.into(),
    }
}

pub(crate) fn unknown_booking() -> ApiError {
    ApiError::new(Code::UnknownBooking, "There is no booking with this id.")
}

fn against(salon: &Salon, now: Timestamp, rule: RuleError) -> ApiError {
    match rule {
        RuleError::OutsideHours => {
            let message = "The salon is not open for all of this appointment.";
            ApiError::new(Code::OutsideHours, message)
        }
        RuleError::TooSoon => too_soon(salon),
        RuleError::TooFar => too_far(salon, now),
        RuleError::NotOnStep => {
            let step = salon.slot_step_minutes;
            let message =
                format!("Appointments start every {step} minutes, counted from midnight.");
            ApiError::new(Code::NotOnStep, message)
        }
    }
}
