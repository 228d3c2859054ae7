//! The Stripe requests that bookings need.

use std::future::Future;

use jiff::Timestamp;
use serde::Deserialize;
use stripe_checkout::checkout_session::{ExpireCheckoutSession, RetrieveCheckoutSession};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::refund::ListRefund;
use stripe_types::RangeQueryTs;

use crate::payments::payment_intent::{PaymentIntent, PaymentIntentCall};
use crate::payments::session_list::{SessionList, SessionPage, SessionQuery};
use crate::payments::session_request::SessionRequest;
use crate::payments::stripe_client::{StripeClient, random_key};
use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_refunds::{Refund, RefundRequest};
use crate::payments::stripe_response;
use crate::payments::stripe_session::Session;

#[cfg(test)]
mod tests;

/// The number of refunds per page, which is Stripe's maximum.
const PAGE_SIZE: i64 = 100;

/// The Stripe requests that bookings need. Implemented by [`StripeClient`], and by
/// a model of Stripe in a simulation.
///
/// Each request may be repeated after any error. It has its effect once, while
/// Stripe remembers its key: 24 hours.
pub trait Payments: Send + Sync {
    /// Opens a session, or returns the one that this request opened before. That
    /// one is returned in its state at that time: read it for its current state.
    fn open(
        &self,
        request: &SessionRequest,
    ) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Reads a session.
    fn session(&self, id: &str) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Lists a page of the account's sessions, including those of others.
    fn sessions(
        &self,
        query: SessionQuery<'_>,
    ) -> impl Future<Output = Result<SessionPage, StripeError>> + Send;

    /// Expires a session, so that it can no longer be paid.
    ///
    /// Stripe rejects this if the session is not open. Read the session then.
    fn expire(&self, id: &str) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Reads a payment.
    fn payment(&self, id: &str) -> impl Future<Output = Result<PaymentIntent, StripeError>> + Send;

    /// Collects an authorised payment.
    ///
    /// Stripe rejects this if the payment is not authorised. Read the payment then.
    fn capture(&self, id: &str) -> impl Future<Output = Result<PaymentIntent, StripeError>> + Send;

    /// Gives up an authorised payment, so that it is never collected.
    ///
    /// Stripe rejects this if the payment is collected or given up. Read the payment then.
    fn cancel_payment(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<PaymentIntent, StripeError>> + Send;

    /// Lists all refunds of a payment, including those that we did not request.
    fn refunds(
        &self,
        payment: &str,
    ) -> impl Future<Output = Result<Vec<Refund>, StripeError>> + Send;

    /// Lists all refunds that were made since a time, of all payments of the account.
    fn refunds_since(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<Refund>, StripeError>> + Send;

    /// Refunds a payment, partly or fully.
    fn refund(
        &self,
        request: &RefundRequest<'_>,
    ) -> impl Future<Output = Result<Refund, StripeError>> + Send;
}

impl Payments for StripeClient {
    async fn open(&self, request: &SessionRequest) -> Result<Session, StripeError> {
        let mut http = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions");
        http.body = Some(request.form().to_owned());
        stripe_response::parse(&self.post(http, request.key()).await?)
    }

    async fn session(&self, id: &str) -> Result<Session, StripeError> {
        // Includes the payment: only its status says that a delayed payment failed.
        let request = RetrieveCheckoutSession::new(id).expand(["payment_intent".to_owned()]);
        stripe_response::parse(&self.get(request.build()).await?)
    }

    async fn sessions(&self, query: SessionQuery<'_>) -> Result<SessionPage, StripeError> {
        stripe_response::parse::<SessionList>(&self.get(query.request()).await?)?.into_page()
    }

    async fn expire(&self, id: &str) -> Result<Session, StripeError> {
        let request = ExpireCheckoutSession::new(id).build();
        // The key is only for the retries of this call. Expiring twice does no harm, and
        // a failure that Stripe stores under a lasting key would keep the session open.
        stripe_response::parse(&self.post(request, &random_key("expire")).await?)
    }

    async fn payment(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        stripe_response::parse(&self.get(PaymentIntentCall::Read.request(id)).await?)
    }

    // The keys are only for the retries of one call, as in `expire`: neither can happen twice.

    async fn capture(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        let request = PaymentIntentCall::Capture.request(id);
        stripe_response::parse(&self.post(request, &random_key("capture")).await?)
    }

    async fn cancel_payment(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        let request = PaymentIntentCall::Cancel.request(id);
        stripe_response::parse(&self.post(request, &random_key("cancel")).await?)
    }

    async fn refunds(&self, payment: &str) -> Result<Vec<Refund>, StripeError> {
        self.list_refunds(&ListRefund::new().payment_intent(payment)).await
    }

    async fn refunds_since(&self, since: Timestamp) -> Result<Vec<Refund>, StripeError> {
        let created = RangeQueryTs::gte(since.as_second());
        // Includes the payment: only it names the booking of a refund made by hand.
        let expand = "data.payment_intent".to_owned();
        self.list_refunds(&ListRefund::new().created(created).expand([expand])).await
    }

    async fn refund(&self, request: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        stripe_response::parse(&self.post(request.build().build(), request.key).await?)
    }
}

impl StripeClient {
    /// Reads all pages of a list of refunds.
    async fn list_refunds(&self, list: &ListRefund) -> Result<Vec<Refund>, StripeError> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Refund>,
            has_more: bool,
        }

        let mut refunds: Vec<Refund> = Vec::new();
        loop {
            let mut request = list.clone().limit(PAGE_SIZE);
            if let Some(last) = refunds.last() {
                request = request.starting_after(last.id.as_str());
            }
            let page: Page = stripe_response::parse(&self.get(request.build()).await?)?;
            if page.has_more && page.data.is_empty() {
                let reason = "a page of refunds is empty, but not the last".to_owned();
                return Err(StripeError::Unreadable { reason });
            }
            refunds.extend(page.data);
            if !page.has_more {
                return Ok(refunds);
            }
        }
    }
}
