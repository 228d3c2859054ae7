use std::pin::Pin;

use openchair::bookings::{Reservation, ReserveError};

use crate::stripe_model::WebhookEvent;
use crate::trace::short;

/// Something that runs until it ends or crashes.
pub(super) struct Task<'s> {
    pub(super) id: u64,
    pub(super) number: usize,
    /// The event that it delivers. Stripe sends it again if that fails.
    pub(super) event: Option<WebhookEvent>,
    pub(super) future: Pin<Box<dyn Future<Output = TaskResult> + 's>>,
}

pub(super) enum TaskResult {
    /// The visitor with this number made a request.
    Reserved(usize, Box<Result<Reservation, ReserveError>>),
    Delivered {
        is_accepted: bool,
    },
    /// Nobody waits for the result.
    Other,
}

impl TaskResult {
    /// Returns a line for a trace.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Reserved(visitor, outcome) => match &**outcome {
                Ok(reserved) => {
                    let (id, state) = (short(&reserved.booking.id), reserved.booking.state);
                    format!("visitor {visitor} has booking {id}, which is {state}")
                }
                Err(error) => format!("visitor {visitor} gets an error: {error}"),
            },
            Self::Delivered { is_accepted: true } => "the event is accepted".to_owned(),
            Self::Delivered { is_accepted: false } => {
                "the event is not accepted and will come again".to_owned()
            }
            Self::Other => "done".to_owned(),
        }
    }
}
