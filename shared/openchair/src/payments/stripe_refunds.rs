//! Refunds: asking for one, and what Stripe tells of it.

use std::collections::HashMap;

use serde::Deserialize;
use stripe_core::refund::CreateRefund;

use crate::payments::stripe_metadata::{BOOKING_ID, Metadata, Reference};
use salon::money::Money;

/// A request to pay back a part of a payment, or all of it.
#[derive(Clone, Copy, Debug)]
pub struct RefundRequest<'a> {
    /// The booking that was paid for.
    pub booking_id: &'a str,
    /// The number of the attempt, counted from 1. A next one may be made only
    /// when the payment's refunds show that the one before made none.
    pub attempt: u32,
    /// The payment: `pi_…`.
    pub payment: &'a str,
    /// What is paid back.
    pub amount: Money,
}

impl RefundRequest<'_> {
    /// Returns the idempotency key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("refund-{}-{}", self.booking_id, self.attempt)
    }

    /// Builds the request. The currency is the payment's.
    pub(super) fn create(&self) -> CreateRefund {
        let booking = HashMap::from([(BOOKING_ID.to_owned(), self.booking_id.to_owned())]);
        CreateRefund::new()
            .payment_intent(self.payment)
            .amount(self.amount.amount())
            .metadata(booking)
    }
}

/// A refund, as Stripe tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RefundObject")]
pub struct Refund {
    /// Stripe's id: `re_…`.
    pub id: String,
    /// How far it is.
    pub status: RefundStatus,
    /// What is paid back, in minor units.
    pub amount: i64,
    /// The payment that is paid back: `pi_…`.
    pub payment: Option<String>,
    /// The booking that it was asked for; none if not by us, but by the owner
    /// in Stripe's Dashboard, say.
    pub booking_id: Option<String>,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The client has to act.
    RequiresAction,
    /// Stripe has sent the money. The client's bank may still return it: the
    /// refund fails then.
    Succeeded,
    /// The money came back to the account: the client's bank did not take it.
    Failed,
    /// It was taken back.
    Canceled,
    /// Stripe has not decided, or says something that is not one of the above.
    #[default]
    #[serde(other)]
    Pending,
}

/// The fields that are read of Stripe's object
/// (<https://docs.stripe.com/api/refunds/object>).
#[derive(Deserialize)]
struct RefundObject {
    id: String,
    status: Option<RefundStatus>,
    amount: i64,
    payment_intent: Option<Reference>,
    metadata: Option<Metadata>,
}

impl From<RefundObject> for Refund {
    fn from(object: RefundObject) -> Self {
        Self {
            id: object.id,
            status: object.status.unwrap_or_default(),
            amount: object.amount,
            payment: object.payment_intent.map(String::from),
            booking_id: Metadata::booking_id(object.metadata),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stripe_client_core::StripeRequest;

    use super::*;
    use crate::payments::form;
    use salon::money::Currency;

    #[test]
    fn a_refund_names_its_payment_and_its_booking() {
        let amount = Money::new(2_500, Currency::from_code("usd").unwrap());
        let request = RefundRequest { booking_id: "b1", attempt: 3, payment: "pi_1", amount };
        let expected = form::expected(&[
            ("amount", "2500"),
            ("metadata[booking_id]", "b1"),
            ("payment_intent", "pi_1"),
        ]);
        assert_eq!(form::fields(&request.create().build().body.unwrap()), expected);
        assert_eq!(request.key(), "refund-b1-3");
    }

    #[test]
    fn every_status_of_a_refund_is_read() {
        let cases = [
            (json!("pending"), RefundStatus::Pending),
            (json!("requires_action"), RefundStatus::RequiresAction),
            (json!("succeeded"), RefundStatus::Succeeded),
            (json!("failed"), RefundStatus::Failed),
            (json!("canceled"), RefundStatus::Canceled),
            (json!("on_its_way"), RefundStatus::Pending),
            (Value::Null, RefundStatus::Pending),
        ];
        for (word, status) in cases {
            let object = json!({
                "id": "re_1", "object": "refund", "amount": 2500, "charge": "ch_1",
                "metadata": {"booking_id": "b1"}, "payment_intent": "pi_1", "status": word,
            });
            let refund: Refund = serde_json::from_value(object).unwrap();
            let expected = Refund {
                id: "re_1".to_owned(),
                status,
                amount: 2_500,
                payment: Some("pi_1".to_owned()),
                booking_id: Some("b1".to_owned()),
            };
            assert_eq!(refund, expected, "{word}");
        }
    }
}
