//! What an event says.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::payments::metadata::{Metadata, Reference};
use crate::payments::refund::Refund;
use crate::payments::session::Session;

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Stripe's id: `evt_…`. A repeat has the same.
    pub id: String,
    /// Whether it is about real money.
    pub live: bool,
    /// What it is about.
    pub subject: Subject,
}

/// What an event is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A session, as it was then.
    Session {
        /// What happened to it.
        change: SessionChange,
        /// The session.
        session: Box<Session>,
    },
    /// A refund, as it was then.
    Refund(Refund),
    /// A payment of which some has been paid back.
    ChargeRefunded {
        /// The payment: `pi_…`.
        payment: Option<String>,
        /// The booking that was paid for; none if not ours.
        booking_id: Option<String>,
        /// What has been paid back by now, in minor units.
        amount_refunded: i64,
        /// Whether that is all of it.
        fully: bool,
    },
    /// Something that concerns no booking, by its type.
    Other(String),
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// The client is through. Whether it is paid, the session says.
    Completed,
    /// The money of a delayed payment method has come.
    PaymentSucceeded,
    /// The money of a delayed payment method will not come.
    PaymentFailed,
    /// It was not paid in time, or we ended it.
    Expired,
}

/// A body that is not an event as Stripe documents it.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be read")]
pub struct EventError(#[from] serde_json::Error);

/// Reads an event from its body, once its signature is checked.
///
/// Fields and types that are not known are passed over, so that an event of a
/// newer API version is no failure.
///
/// # Errors
/// When a field that is used is missing or of another form.
pub fn parse_event(body: &[u8]) -> Result<Event, EventError> {
    #[derive(Deserialize)]
    struct Envelope {
        id: String,
        livemode: bool,
        #[serde(rename = "type")]
        kind: String,
    }

    let Envelope { id, livemode, kind } = serde_json::from_slice(body)?;
    let session = |change| -> Result<Subject, EventError> {
        Ok(Subject::Session { change, session: Box::new(object(body)?) })
    };
    let subject = match kind.as_str() {
        "checkout.session.completed" => session(SessionChange::Completed)?,
        "checkout.session.async_payment_succeeded" => session(SessionChange::PaymentSucceeded)?,
        "checkout.session.async_payment_failed" => session(SessionChange::PaymentFailed)?,
        "checkout.session.expired" => session(SessionChange::Expired)?,
        "refund.created" | "refund.updated" | "refund.failed" => Subject::Refund(object(body)?),
        "charge.refunded" => {
            let charge: Charge = object(body)?;
            Subject::ChargeRefunded {
                payment: charge.payment_intent.map(String::from),
                booking_id: Metadata::booking_id(charge.metadata),
                amount_refunded: charge.amount_refunded,
                fully: charge.refunded,
            }
        }
        _ => Subject::Other(kind),
    };
    Ok(Event { id, live: livemode, subject })
}

/// Reads the object that an event is about.
fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, EventError> {
    #[derive(Deserialize)]
    struct About<T> {
        data: Data<T>,
    }

    #[derive(Deserialize)]
    struct Data<T> {
        object: T,
    }

    let about: About<T> = serde_json::from_slice(body)?;
    Ok(about.data.object)
}

/// The fields that are read of a charge. Its metadata is its payment's
/// (<https://docs.stripe.com/metadata#copy-metadata-to-another-object>).
#[derive(Deserialize)]
struct Charge {
    payment_intent: Option<Reference>,
    metadata: Option<Metadata>,
    amount_refunded: i64,
    refunded: bool,
}
