//! What Stripe tells of payments and refunds: `POST /stripe/webhook`.
//!
//! Stripe sends an event until it is answered with 2xx, for up to three days.
//! So 2xx is said once the table has it, and of what is none of our business.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::bookings::{Bookings, SettleError};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::http::{self, Answer, ApiError, Code, observe};
use openchair::payments::StripeClient;
use openchair::payments::webhook::{
    StripeEvent, Subject, WebhookSecrets, parse_event, verify_signature,
};
use openchair::store::booking_store::BookingStore;
use openchair::telemetry::chain;
use openchair::telemetry::metrics::{Metric, count};
use salon::booking::BookingId;

const PATH: &str = "/stripe/webhook";
/// The largest body taken, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// The function: what it needs to answer, made once a container.
#[derive(Debug)]
pub struct Webhook<S, O> {
    bookings: Bookings<S, O, StripeClient>,
    secrets: WebhookSecrets,
    clock: Clock,
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The table has what it says.
    Taken,
    /// It is about no booking: a bare deposit, another shop on the account, or
    /// a type that nobody asked for.
    NotOurs,
    /// It names a booking that the table does not have.
    UnknownBooking,
    /// It is about test payments, and we take real ones, or the reverse.
    OtherMode,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotOurs => "not_ours",
            Self::UnknownBooking => "unknown_booking",
            Self::OtherMode => "other_mode",
        }
    }
}

impl<S: BookingStore, O: Origin> Webhook<S, O> {
    /// Makes the function.
    #[must_use]
    pub const fn new(
        bookings: Bookings<S, O, StripeClient>,
        secrets: WebhookSecrets,
        clock: Clock,
    ) -> Self {
        Self { bookings, secrets, clock }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let is_known = request.raw_http_path() == PATH;
        let route = if is_known { PATH } else { "unknown" };
        let answering = async {
            match request.method() {
                _ if !is_known => Err(ApiError::not_found()),
                &Method::POST => self.delivery(&request).await,
                _ => Err(ApiError::method_not_allowed("POST")),
            }
        };
        observe(&request, route, answering).await
    }

    async fn delivery(&self, request: &Request) -> Result<Answer, ApiError> {
        let body: &[u8] = request.body().as_ref();
        if body.len() > MAX_BODY {
            return Err(ApiError::new(Code::BodyTooLarge, "A body may have 256 KiB."));
        }
        self.check_signature(request, body)?;
        // Signed by Stripe, and not understood: a payment may be in it, so it is
        // not said to be taken.
        let event = parse_event(body).map_err(ApiError::internal)?;
        let outcome = self.take(&event).await;
        tracing::info!(
            stripe.event = event.id,
            stripe.event_type = event.kind,
            booking.id = event.subject.booking_id(),
            webhook.outcome = outcome.as_ref().map_or("failed", |outcome| outcome.as_str()),
            "An event of Stripe's came"
        );
        outcome?;
        let body = r#"{"received":true}"#.to_owned();
        Ok(Answer::uncached(http::json_uncacheable(StatusCode::OK, body)))
    }

    /// Checks that Stripe has signed the body, as it came.
    fn check_signature(&self, request: &Request, body: &[u8]) -> Result<(), ApiError> {
        let header = request.headers().get("stripe-signature");
        let header = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
        verify_signature(header, body, &self.secrets, self.clock.now()).map_err(|error| {
            count(Metric::WebhooksRejected);
            tracing::warn!(error.cause = chain(&error), "An event is not shown to be Stripe's");
            ApiError::new(
                Code::BadSignature,
                "The signature is not that of this body, or not of now.",
            )
        })
    }

    /// Does what an event makes necessary, durably.
    async fn take(&self, event: &StripeEvent) -> Result<Outcome, SettleError> {
        if event.live != self.bookings.payments().is_live() {
            return Ok(Outcome::OtherMode);
        }
        let Some(named) = event.subject.booking_id() else { return Ok(Outcome::NotOurs) };
        let is_known = match (BookingId::parse(named), &event.subject) {
            (Some(id), Subject::Session { change, session }) => {
                self.bookings.on_session(&id, *change, session).await?
            }
            (Some(id), Subject::Refund(_) | Subject::ChargeRefunded { .. }) => {
                self.bookings.on_refund(&id).await?
            }
            (Some(_), Subject::Other) | (None, _) => false,
        };
        if is_known {
            return Ok(Outcome::Taken);
        }
        tracing::warn!(
            stripe.event = event.id,
            booking.id = named,
            "An event names a booking that is not in the table"
        );
        Ok(Outcome::UnknownBooking)
    }
}
