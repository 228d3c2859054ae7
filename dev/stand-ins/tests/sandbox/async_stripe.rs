//! Checks that async-stripe, which the functions use, and the sandbox understand each other.

use std::collections::HashMap;
use std::fmt;

use axum::body::Bytes;
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::Value;
use stand_ins::sandbox::Refunds;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes,
    CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ProductData,
    RetrieveCheckoutSession,
};
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeClientErr, StripeMethod,
};
use stripe_core::refund::{CreateRefund, ListRefund};
use stripe_shared::{
    Charge, CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus,
    CheckoutSessionStatus, CheckoutSessionUiMode, Event, EventType, PaymentIntentStatus, Refund,
};

use crate::harness::{Bench, Form, REFUNDS, START, form_request, request};

/// Passes async-stripe's requests to a sandbox without a socket.
struct Carrier(Bench);

#[derive(Debug)]
struct Failure(String);

impl StripeClientErr for Failure {
    fn deserialize_err(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl StripeClient for Carrier {
    type Err = Failure;

    async fn execute(&self, stripe: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        let (stripe, _) = stripe.into_pieces();
        let query = stripe.query.unwrap_or_default();
        let path = format!("/v1{}?{query}", stripe.path);
        let sent = match stripe.method {
            StripeMethod::Get => request("GET", &path),
            StripeMethod::Post => form_request(&path),
            StripeMethod::Delete => request("DELETE", &path),
        };
        let body = stripe.body.unwrap_or_default().into();
        let answer = self.0.send(sent.body(body).unwrap()).await;
        if answer.status == StatusCode::OK {
            Ok(Bytes::from(answer.text))
        } else {
            Err(Failure(answer.text))
        }
    }
}

fn pairs(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_owned())])
}

fn deposit() -> Vec<CreateCheckoutSessionLineItems> {
    let price = CreateCheckoutSessionLineItemsPriceData {
        currency: "usd".parse().unwrap(),
        product: None,
        product_data: Some(ProductData::new("Deposit & tea = 100 % calm [60 min]")),
        recurring: None,
        tax_behavior: None,
        unit_amount: Some(5_000),
        unit_amount_decimal: None,
    };
    vec![CreateCheckoutSessionLineItems {
        price_data: Some(price),
        quantity: Some(1),
        ..CreateCheckoutSessionLineItems::new()
    }]
}

fn create(ui_mode: CheckoutSessionUiMode) -> CreateCheckoutSession {
    let mut payment = CreateCheckoutSessionPaymentIntentData::new();
    payment.metadata = Some(pairs("booking", "b_17"));
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .ui_mode(ui_mode)
        .line_items(deposit())
        .expires_at(START + 35 * 60)
        .client_reference_id("b_17")
        .customer_email("ada+salon@example.com")
        .metadata(pairs("booking", "b_17"))
        .payment_intent_data(payment)
        .allowed_payment_method_types(vec![CreateCheckoutSessionAllowedPaymentMethodTypes::Card])
}

#[tokio::test]
async fn a_session_is_created_read_paid_and_refunded() {
    let stripe = Carrier(Bench::new());
    let back = "https://salon.example/done?b=b_17&s={CHECKOUT_SESSION_ID}";
    let created =
        create(CheckoutSessionUiMode::HostedPage).success_url(back).send(&stripe).await.unwrap();
    let id = created.id.as_str();
    assert_eq!(created.ui_mode, Some(CheckoutSessionUiMode::HostedPage));
    assert_eq!(created.status, Some(CheckoutSessionStatus::Open));
    assert_eq!(created.payment_status, CheckoutSessionPaymentStatus::Unpaid);
    assert_eq!(created.amount_total, Some(5_000));
    assert_eq!(created.expires_at, START + 35 * 60);
    assert_eq!(created.success_url.as_deref(), Some(back));
    assert_eq!(created.customer_email.as_deref(), Some("ada+salon@example.com"));
    assert_eq!(created.metadata, Some(pairs("booking", "b_17")));
    assert_eq!(created.payment_method_types, ["card"]);
    assert!(created.url.is_some() && created.client_secret.is_none());

    stripe.0.sandbox.pay(id).unwrap();
    let plain = RetrieveCheckoutSession::new(id).send(&stripe).await.unwrap();
    assert_eq!(plain.payment_status, CheckoutSessionPaymentStatus::Paid);
    let payment = plain.payment_intent.expect("a payment").id().to_string();
    assert!(payment.starts_with("pi_"));

    let expanded = RetrieveCheckoutSession::new(id)
        .expand(["payment_intent".to_owned()])
        .send(&stripe)
        .await
        .unwrap();
    let name = &stripe.0.sandbox.session(id).unwrap().line_items[0].name;
    assert_eq!(name, "Deposit & tea = 100 % calm [60 min]");
    let intent = expanded.payment_intent.expect("a payment");
    let intent = intent.into_object().expect("the payment in full");
    assert_eq!(intent.status, PaymentIntentStatus::Succeeded);
    assert_eq!(intent.metadata, pairs("booking", "b_17"));
    let none = ListRefund::new().payment_intent(&payment).limit(100).send(&stripe).await.unwrap();
    assert!(none.data.is_empty());
    let refund = CreateRefund::new()
        .payment_intent(&payment)
        .amount(2_000)
        .metadata(pairs("booking", "b_17"))
        .send(&stripe)
        .await
        .unwrap();
    assert_eq!(refund.amount, 2_000);
    assert_eq!(refund.status.as_deref(), Some("succeeded"));
    let one = ListRefund::new().payment_intent(&payment).send(&stripe).await.unwrap();
    assert_eq!(one.data[0].id, refund.id);
    assert_eq!(one.data[0].metadata, Some(pairs("booking", "b_17")));
}

#[tokio::test]
async fn the_other_ui_modes_return_a_client_secret() {
    let stripe = Carrier(Bench::new());
    for ui_mode in [CheckoutSessionUiMode::EmbeddedPage, CheckoutSessionUiMode::Elements] {
        let created = create(ui_mode.clone())
            .return_url("https://salon.example/done")
            .send(&stripe)
            .await
            .unwrap();
        assert_eq!(created.ui_mode, Some(ui_mode));
        assert!(created.url.is_none());
        let secret = created.client_secret.expect("a client secret");
        assert!(secret.starts_with(created.id.as_str()), "{secret}");
    }
}

#[tokio::test]
async fn a_session_can_be_expired_once() {
    let stripe = Carrier(Bench::new());
    let created = create(CheckoutSessionUiMode::HostedPage)
        .success_url("https://salon.example/done")
        .send(&stripe)
        .await
        .unwrap();
    let expire = ExpireCheckoutSession::new(created.id.as_str());
    let expired = expire.send(&stripe).await.unwrap();
    assert_eq!(expired.status, Some(CheckoutSessionStatus::Expired));
    let Err(Failure(answer)) = expire.send(&stripe).await else {
        panic!("an expired session expires no more");
    };
    assert!(answer.contains("invalid_request_error"), "{answer}");
}

/// Responds to every request with the same text.
struct Parrot(String);

impl StripeClient for Parrot {
    type Err = Failure;

    async fn execute(&self, _: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        Ok(Bytes::from(self.0.clone()))
    }
}

#[tokio::test]
async fn events_and_their_objects_can_be_parsed() {
    let bench = Bench::choosing(|options| options.refunds = Refunds::Failing);
    let payment = bench.paid().await;
    bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
    bench.advance(SignedDuration::from_mins(1));
    let debit = bench.open(&Form::hosted()).await;
    bench.sandbox.pay_by_debit(&debit).unwrap();
    bench.sandbox.settle(&debit, false).unwrap();
    let debit = bench.open(&Form::hosted()).await;
    bench.sandbox.pay_by_debit(&debit).unwrap();
    bench.sandbox.settle(&debit, true).unwrap();
    let open = bench.open(&Form::hosted()).await;
    bench.sandbox.expire(&open).unwrap();

    let mut kinds = Vec::new();
    for event in bench.sandbox.events() {
        let get = || RequestBuilder::new(StripeMethod::Get, "/");
        let parrot = Parrot(event.body().to_owned());
        kinds.push(get().customize::<Event>().send(&parrot).await.unwrap().type_);
        let body: Value = serde_json::from_str(event.body()).unwrap();
        let object = &body["data"]["object"];
        let parrot = Parrot(object.to_string());
        let id = match object["object"].as_str() {
            Some("checkout.session") => {
                get().customize::<CheckoutSession>().send(&parrot).await.unwrap().id.to_string()
            }
            Some("charge") => {
                get().customize::<Charge>().send(&parrot).await.unwrap().id.to_string()
            }
            Some("refund") => {
                get().customize::<Refund>().send(&parrot).await.unwrap().id.to_string()
            }
            other => panic!("an event of {other:?}"),
        };
        assert_eq!(id, event.object);
    }
    assert_eq!(
        kinds,
        [
            EventType::CheckoutSessionCompleted,
            EventType::RefundCreated,
            EventType::ChargeRefunded,
            EventType::RefundUpdated,
            EventType::RefundFailed,
            EventType::CheckoutSessionCompleted,
            EventType::CheckoutSessionAsyncPaymentFailed,
            EventType::CheckoutSessionCompleted,
            EventType::CheckoutSessionAsyncPaymentSucceeded,
            EventType::CheckoutSessionExpired,
        ]
    );
}
