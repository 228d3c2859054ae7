//! `POST /stripe/webhook`: Stripe's events about payments and refunds.
//!
//! Stripe sends an event until it gets a 2xx response, for up to three days. So the
//! function answers 2xx once the table has the change, and for events that do not
//! concern this salon.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::bookings::{Bookings, SettleError};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::http::{self, ApiError, ErrorCode, RouteResponse, observe};
use openchair::payments::StripeClient;
use openchair::payments::webhook::{
    StripeEvent, Subject, WebhookSecrets, parse_event, verify_signature,
};
use openchair::store::booking_store::BookingStore;
use openchair::telemetry::chain;
use openchair::telemetry::metrics::{Metric, count};
use salon::booking::BookingId;

const PATH: &str = "/stripe/webhook";
/// Maximum size of an event, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// The function, made once per container.
#[derive(Debug)]
pub struct Webhook<S, O> {
    bookings: Bookings<S, O, StripeClient>,
    secrets: WebhookSecrets,
    clock: Clock,
}

/// What the function did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The booking exists, and whatever the event changes is stored.
    Taken,
    /// The event concerns no booking: a bare deposit, another shop on the account, or
    /// another type of event.
    NotOurs,
    /// The event names a booking that is not in the table.
    UnknownBooking,
    /// The event is about test payments and the key is live, or the reverse.
    OtherMode,
    /// The event is about another account than that of the key.
    OtherAccount,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotOurs => "not_ours",
            Self::UnknownBooking => "unknown_booking",
            Self::OtherMode => "other_mode",
            Self::OtherAccount => "other_account",
        }
    }
}

impl<S: BookingStore, O: Origin> Webhook<S, O> {
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
        let response = async {
            match request.method() {
                _ if !is_known => Err(ApiError::not_found()),
                // Boxed: the future that settles a payment is large.
                &Method::POST => Box::pin(self.receive(&request)).await,
                _ => Err(ApiError::method_not_allowed("POST")),
            }
        };
        observe(&request, route, response).await
    }

    async fn receive(&self, request: &Request) -> Result<RouteResponse, ApiError> {
        let body: &[u8] = request.body().as_ref();
        if body.len() > MAX_BODY {
            return Err(ApiError::new(
                ErrorCode::BodyTooLarge,
                "The request body is larger than 256 KiB.",
            ));
        }
        self.check_signature(request, body)?;
        // An unreadable event may be about a payment. A 500 makes Stripe send it again.
        let event = parse_event(body).map_err(ApiError::internal)?;
        let outcome = self.apply(&event).await;
        tracing::info!(
            stripe.event = event.id,
            stripe.event_type = event.kind,
            booking.id = event.subject.booking_id(),
            webhook.outcome = outcome.as_ref().map_or("failed", |outcome| outcome.as_str()),
            "Stripe event received"
        );
        outcome?;
        let body = r#"{"received":true}"#.to_owned();
        Ok(RouteResponse::uncached(http::json_uncacheable(StatusCode::OK, body)))
    }

    /// Checks Stripe's signature of the body.
    fn check_signature(&self, request: &Request, body: &[u8]) -> Result<(), ApiError> {
        let header = request.headers().get("stripe-signature");
        let header = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
        verify_signature(header, body, &self.secrets, self.clock.now()).map_err(|error| {
            count(Metric::WebhooksRejected);
            tracing::warn!(
                error.cause = chain(&error),
                "Webhook request rejected, its signature is invalid"
            );
            ApiError::new(
                ErrorCode::BadSignature,
                "The signature does not match this body, or is too old.",
            )
        })
    }

    /// Applies an event to its booking, durably.
    async fn apply(&self, event: &StripeEvent) -> Result<Outcome, SettleError> {
        let is_live = self.bookings.payments().is_live();
        let is_session_live = match &event.subject {
            Subject::Session { session, .. } => session.live,
            _ => event.live,
        };
        if event.live != is_live || is_session_live != is_live {
            return Ok(Outcome::OtherMode);
        }
        if event.account.is_some() {
            return Ok(Outcome::OtherAccount);
        }
        if let Subject::Warning { kind, id, payment } = &event.subject {
            let Some(payment) = payment else { return Ok(Outcome::NotOurs) };
            let booking = self.bookings.handle_warning(*kind, id, payment).await?;
            return Ok(booking.map_or(Outcome::NotOurs, |_| Outcome::Taken));
        }
        let Some(named) = event.subject.booking_id() else { return Ok(Outcome::NotOurs) };
        let is_known = match (BookingId::parse(named), &event.subject) {
            (Some(id), Subject::Session { change, session }) => {
                self.bookings.handle_session_event(&id, *change, session).await?
            }
            (Some(id), Subject::Refund(_) | Subject::ChargeRefunded { .. }) => {
                self.bookings.handle_refund_event(&id).await?
            }
            (Some(_), Subject::Warning { .. } | Subject::Other) | (None, _) => false,
        };
        if is_known {
            return Ok(Outcome::Taken);
        }
        tracing::warn!(
            stripe.event = event.id,
            booking.id = named,
            "Stripe event names a booking that is not in the table"
        );
        Ok(Outcome::UnknownBooking)
    }
}
