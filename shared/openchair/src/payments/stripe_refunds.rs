//! Refunds: the request, and Stripe's refund object.

use std::collections::HashMap;

use serde::Deserialize;
use stripe_core::refund::CreateRefund;

use crate::payments::stripe_metadata::{BOOKING_ID, Metadata, Reference};
use salon::money::Money;

/// A request to refund a payment, partly or fully.
#[derive(Clone, Copy, Debug)]
pub struct RefundRequest<'a> {
    pub booking_id: &'a str,
    /// The idempotency key. It names the attempt. The next one may be made only when the
    /// payment's refunds show that the previous attempt created none.
    pub key: &'a str,
    /// The payment: `pi_…`.
    pub payment: &'a str,
    pub amount: Money,
}

impl RefundRequest<'_> {
    /// Builds the request. Stripe uses the payment's currency.
    pub(super) fn build(&self) -> CreateRefund {
        let booking = HashMap::from([(BOOKING_ID.to_owned(), self.booking_id.to_owned())]);
        CreateRefund::new()
            .payment_intent(self.payment)
            .amount(self.amount.amount())
            .metadata(booking)
    }
}

/// A refund at Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RefundObject")]
pub struct Refund {
    /// Stripe's id: `re_…`.
    pub id: String,
    pub status: RefundStatus,
    /// The refunded amount, in minor units.
    pub amount: i64,
    /// The payment: `pi_…`.
    pub payment: Option<String>,
    /// The booking. `None` if somebody else requested the refund, such as the owner
    /// in Stripe's Dashboard.
    pub booking_id: Option<String>,
    /// The booking that was paid. Only known if the request expanded the payment.
    pub paid_booking_id: Option<String>,
}

/// The status of a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The client has to act.
    RequiresAction,
    /// Stripe has sent the money. If the client's bank returns it, the refund
    /// fails later.
    Succeeded,
    /// The client's bank did not accept the money, which is back in the account.
    Failed,
    Canceled,
    /// Stripe has not decided. Also any status that we do not know.
    #[default]
    #[serde(other)]
    Pending,
}

/// The fields of Stripe's object that we use
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
        let paid_booking_id = object.payment_intent.as_ref().and_then(Reference::booking_id);
        Self {
            id: object.id,
            status: object.status.unwrap_or_default(),
            amount: object.amount,
            paid_booking_id: paid_booking_id.map(str::to_owned),
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
    fn a_refund_request_names_its_payment_and_its_booking() {
        let amount = Money::new(2_500, Currency::from_code("usd").unwrap());
        let request =
            RefundRequest { booking_id: "b1", key: "refund-b1-3", payment: "pi_1", amount };
        let expected = form::expected(&[
            ("amount", "2500"),
            ("metadata[booking_id]", "b1"),
            ("payment_intent", "pi_1"),
        ]);
        assert_eq!(form::fields(&request.build().build().body.unwrap()), expected);
    }

    #[test]
    fn every_refund_status_is_parsed() {
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
                paid_booking_id: None,
            };
            assert_eq!(refund, expected, "{word}");
        }
    }

    #[test]
    fn an_expanded_payment_says_which_booking_was_paid() {
        let object = json!({
            "id": "re_1", "object": "refund", "amount": 2500, "metadata": {}, "status": "succeeded",
            "payment_intent": {"id": "pi_1", "status": "succeeded", "metadata": {"booking_id": "b1"}},
        });
        let refund: Refund = serde_json::from_value(object).unwrap();
        assert_eq!((refund.booking_id, refund.paid_booking_id), (None, Some("b1".to_owned())));
        assert_eq!(refund.payment.as_deref(), Some("pi_1"));
    }
}
