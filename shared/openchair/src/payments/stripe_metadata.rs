//! The marks by which Stripe's objects name our bookings, and each other.

use serde::Deserialize;

/// The field of an object's metadata that names the booking.
pub(super) const BOOKING_ID: &str = "booking_id";

/// An object's metadata, as far as it is ours.
#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    booking_id: Option<String>,
}

impl Metadata {
    /// Returns the booking that an object belongs to.
    ///
    /// An object of another shop on the same account, and a bare deposit, name
    /// none.
    pub(super) fn booking_id(metadata: Option<Self>) -> Option<String> {
        metadata?.booking_id
    }
}

/// Another object: its id, or all of it where the request asked for that.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Expanded { id: String, status: Option<String> },
}

impl Reference {
    /// Returns the other object's status, where all of it is there.
    pub(super) fn status(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Expanded { status, .. } => status.as_deref(),
        }
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Id(id) | Reference::Expanded { id, .. } => id,
        }
    }
}
