//! Sessions, as Stripe tells them in answers and in events.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use crate::payments::metadata::{Metadata, Reference};

/// A session: one visit to pay.
#[derive(Clone, Deserialize)]
#[serde(from = "Object")]
pub struct Session {
    /// Stripe's id: `cs_…`.
    pub id: String,
    /// Where the session is in its life.
    pub status: SessionStatus,
    /// Whether the money is there. A complete session may still wait for it.
    pub paid: bool,
    /// The payment: `pi_…`. An open session may have none yet.
    pub payment: Option<String>,
    /// What is charged, in minor units.
    pub amount: Option<i64>,
    /// The booking that the session was opened for; none if not by us.
    pub booking_id: Option<String>,
    /// Whether the money is real.
    pub live: bool,
    /// What the page needs to take the payment itself; it belongs to the
    /// client. None where Stripe's own page does, and in events.
    pub client_secret: Option<SecretString>,
    /// Stripe's own page for the payment, while the session is open.
    pub url: Option<String>,
    /// Until when the session can be paid.
    pub expires_at: Timestamp,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It can be paid.
    Open,
    /// The client is through; the money may still be on its way.
    Complete,
    /// It was not paid, and no longer can be.
    Expired,
}

/// Shows the session without what would let somebody pay or look.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("paid", &self.paid)
            .field("payment", &self.payment)
            .field("amount", &self.amount)
            .field("booking_id", &self.booking_id)
            .field("live", &self.live)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The fields that are read of Stripe's object
/// (<https://docs.stripe.com/api/checkout/sessions/object>).
#[derive(Deserialize)]
struct Object {
    id: String,
    status: SessionStatus,
    payment_status: PaymentStatus,
    payment_intent: Option<Reference>,
    amount_total: Option<i64>,
    metadata: Option<Metadata>,
    livemode: bool,
    client_secret: Option<String>,
    url: Option<String>,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PaymentStatus {
    Paid,
    NoPaymentRequired,
    Unpaid,
}

impl From<Object> for Session {
    fn from(object: Object) -> Self {
        Self {
            id: object.id,
            status: object.status,
            paid: match object.payment_status {
                PaymentStatus::Paid | PaymentStatus::NoPaymentRequired => true,
                PaymentStatus::Unpaid => false,
            },
            payment: object.payment_intent.map(String::from),
            amount: object.amount_total,
            booking_id: Metadata::booking_id(object.metadata),
            live: object.livemode,
            client_secret: object.client_secret.map(SecretString::from),
            url: object.url,
            expires_at: object.expires_at,
        }
    }
}
