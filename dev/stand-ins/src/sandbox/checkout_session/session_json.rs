//! The JSON of a session:
//! <https://docs.stripe.com/api/checkout/sessions/object>.

use serde_json::{Value, json};

use super::{CheckoutSession, LineItem, PaymentStatus, SessionStatus, UiMode};
use crate::sandbox::list::Listed;
use crate::sandbox::params::Metadata;

/// Fields of features that the sandbox does not have.
const NOT_USED: &str = "\
    adaptive_pricing after_expiration allow_promotion_codes billing_address_collection consent \
    consent_collection customer invoice invoice_creation payment_link \
    payment_method_configuration_details permissions recovered_from saved_payment_method_options \
    setup_intent shipping_address_collection shipping_cost subscription wallet_options";

impl Listed for CheckoutSession {
    fn id(&self) -> &str {
        &self.id
    }

    fn to_json(&self) -> Value {
        let payable_here = self.ui_mode == UiMode::HostedPage && self.status == SessionStatus::Open;
        let url = payable_here.then_some(&self.page);
        let total = self.total.amount();
        let mut object = json!({
            "id": self.id,
            "object": "checkout.session",
            "allowed_payment_method_types": self.allowed_payment_method_types,
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax":
                {"enabled": false, "liability": null, "provider": null, "status": null},
            "cancel_url": self.urls.cancel,
            "client_reference_id": self.client_reference_id,
            "client_secret": self.client_secret,
            "created": self.created.as_second(),
            "currency": self.total.currency().code(),
            "custom_fields": [],
            "custom_text": {
                "after_submit": null,
                "shipping_address": null,
                "submit": null,
                "terms_of_service_acceptance": null,
            },
            "customer_creation": self.customer_creation,
            "customer_details": self.customer_details(),
            "customer_email": self.customer_email,
            "discounts": [],
            "excluded_payment_method_types": self.excluded_payment_method_types,
            "expires_at": self.expires_at.as_second(),
            "livemode": false,
            "locale": self.locale,
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": self.payment_intent,
            "payment_method_collection": "if_required",
            "payment_method_options": {},
            "payment_method_types": self.payment_method_types,
            "payment_status": match self.payment_status {
                PaymentStatus::Unpaid => "unpaid",
                PaymentStatus::Paid => "paid",
            },
            "phone_number_collection": {"enabled": false},
            "redirect_on_completion": self.redirect_on_completion,
            "return_url": self.urls.back,
            "shipping_options": [],
            "status": self.status.word(),
            "submit_type": self.submit_type,
            "success_url": self.urls.success,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": self.ui_mode.word(),
            "url": url,
        });
        for field in NOT_USED.split_whitespace() {
            object[field] = Value::Null;
        }
        object
    }
}

impl CheckoutSession {
    /// Returns the list of line items, for `expand[]=line_items`.
    pub(in crate::sandbox) fn line_items_json(&self) -> Value {
        let items: Vec<_> = self.line_items.iter().map(|item| self.line_item_json(item)).collect();
        json!({
            "object": "list",
            "data": items,
            "has_more": false,
            "url": format!("/v1/checkout/sessions/{}/line_items", self.id),
        })
    }

    fn line_item_json(&self, item: &LineItem) -> Value {
        let currency = self.total.currency().code();
        let amount = item.unit_amount * item.quantity;
        json!({
            "id": item.id,
            "object": "item",
            "adjustable_quantity": null,
            "amount_discount": 0,
            "amount_subtotal": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "currency": currency,
            "description": item.name,
            "metadata": item.metadata,
            "price": {
                "id": item.price,
                "object": "price",
                "active": false,
                "billing_scheme": "per_unit",
                "created": self.created.as_second(),
                "currency": currency,
                "custom_unit_amount": null,
                "livemode": false,
                "lookup_key": null,
                "metadata": Metadata::new(),
                "nickname": null,
                "product": item.product,
                "recurring": null,
                "tax_behavior": "unspecified",
                "tiers_mode": null,
                "transform_quantity": null,
                "type": "one_time",
                "unit_amount": item.unit_amount,
                "unit_amount_decimal": item.unit_amount.to_string(),
            },
            "quantity": item.quantity,
        })
    }

    fn customer_details(&self) -> Value {
        if self.customer_email.is_none() && self.status != SessionStatus::Complete {
            return Value::Null;
        }
        json!({
            "address": null,
            "business_name": null,
            "email": self.customer_email,
            "individual_name": null,
            "name": null,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": [],
        })
    }
}
