//! What bookings ask of Stripe.

use std::future::Future;

use serde::Deserialize;
use stripe_checkout::checkout_session::{ExpireCheckoutSession, RetrieveCheckoutSession};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::refund::ListRefund;

use crate::payments::session_request::SessionRequest;
use crate::payments::stripe_client::{StripeClient, random_key};
use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_refunds::{Refund, RefundRequest};
use crate::payments::stripe_response;
use crate::payments::stripe_session::Session;

#[cfg(test)]
mod tests;

/// Refunds a page: the most that Stripe gives.
const PAGE: i64 = 100;

/// What bookings ask of Stripe: of its API, or of a model of it in a
/// simulation.
///
/// Each request may be made again after any error, and has its effect once, as
/// long as Stripe remembers its key: 24 hours.
pub trait Payments: Send + Sync {
    /// Opens a session, or returns the one that this request has opened before.
    /// It is as it was then; read it for how it is now.
    fn open(
        &self,
        request: &SessionRequest,
    ) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Reads a session.
    fn session(&self, id: &str) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Ends a session, so that it cannot be paid any more.
    ///
    /// Stripe refuses this where the session is not open: read it then.
    fn expire(&self, id: &str) -> impl Future<Output = Result<Session, StripeError>> + Send;

    /// Lists all refunds of a payment, whoever asked for them.
    fn refunds(
        &self,
        payment: &str,
    ) -> impl Future<Output = Result<Vec<Refund>, StripeError>> + Send;

    /// Pays back a part of a payment, or all of it.
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
        // With its payment, which alone tells that delayed money will not come.
        let request = RetrieveCheckoutSession::new(id).expand(["payment_intent".to_owned()]);
        stripe_response::parse(&self.get(request.build()).await?)
    }

    async fn expire(&self, id: &str) -> Result<Session, StripeError> {
        let request = ExpireCheckoutSession::new(id).build();
        // A key for this call's repeats only: ending twice is the same as once, and a
        // failure that Stripe remembers under a key would keep the session open.
        stripe_response::parse(&self.post(request, &random_key("expire")).await?)
    }

    async fn refunds(&self, payment: &str) -> Result<Vec<Refund>, StripeError> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Refund>,
            has_more: bool,
        }

        let mut refunds: Vec<Refund> = Vec::new();
        loop {
            let mut request = ListRefund::new().payment_intent(payment).limit(PAGE);
            if let Some(last) = refunds.last() {
                request = request.starting_after(last.id.as_str());
            }
            let page: Page = stripe_response::parse(&self.get(request.build()).await?)?;
            if page.has_more && page.data.is_empty() {
                let reason = "a page of refunds is empty, and not the last".to_owned();
                return Err(StripeError::Unreadable { reason });
            }
            refunds.extend(page.data);
            if !page.has_more {
                return Ok(refunds);
            }
        }
    }

    async fn refund(&self, request: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        stripe_response::parse(&self.post(request.create().build(), &request.key()).await?)
    }
}
