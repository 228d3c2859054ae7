//! References from Stripe's objects to our bookings and to each other.

use serde::Deserialize;

/// The metadata field with the booking id.
pub(super) const BOOKING_ID: &str = "booking_id";

/// The metadata fields that we set.
#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    booking_id: Option<String>,
}

impl Metadata {
    /// Returns the booking that an object belongs to.
    ///
    /// `None` for a bare deposit, and for objects of another shop on the same
    /// account.
    pub(super) fn booking_id(metadata: Option<Self>) -> Option<String> {
        metadata?.booking_id
    }
}

/// A reference to another object: its id, or the whole object if the request
/// expanded it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Expanded { id: String, status: Option<String>, metadata: Option<Metadata> },
}

impl Reference {
    /// Returns the status of an expanded object.
    pub(super) fn status(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Expanded { status, .. } => status.as_deref(),
        }
    }

    /// Returns the booking that an expanded object belongs to.
    pub(super) fn booking_id(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Expanded { metadata, .. } => metadata.as_ref()?.booking_id.as_deref(),
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
