//! Lists of sessions (<https://docs.stripe.com/api/checkout/sessions/list>).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use stripe_checkout::checkout_session::ListCheckoutSession;
use stripe_client_core::{RequestBuilder, StripeRequest};
use stripe_shared::CheckoutSessionStatus;
use stripe_types::RangeQueryTs;

use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_session::{Session, SessionStatus};

/// The number of sessions per page, which is Stripe's maximum.
const PAGE_SIZE: i64 = 100;

/// Selects a page of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionQuery<'a> {
    pub status: SessionStatus,
    /// The earliest creation, to the second.
    pub created_since: Timestamp,
    /// The [`next`](SessionPage::next) of the page before; none for the first page.
    pub after: Option<&'a str>,
}

/// A page of sessions, newest first.
#[derive(Clone, Debug)]
pub struct SessionPage {
    pub sessions: Vec<Session>,
    /// Where the next page begins; none if this is the last one.
    pub next: Option<String>,
}

impl SessionQuery<'_> {
    pub(super) fn request(&self) -> RequestBuilder {
        let status = match self.status {
            SessionStatus::Open => CheckoutSessionStatus::Open,
            SessionStatus::Complete => CheckoutSessionStatus::Complete,
            SessionStatus::Expired => CheckoutSessionStatus::Expired,
        };
        let mut request = ListCheckoutSession::new()
            .status(status)
            .created(RangeQueryTs::gte(self.created_since.as_second()))
            // As for a single session: only its payment says that a delayed one failed.
            .expand(["data.payment_intent".to_owned()])
            .limit(PAGE_SIZE);
        if let Some(after) = self.after {
            request = request.starting_after(after);
        }
        request.build()
    }
}

/// The fields of a list that we use. The account may have sessions of others, and one that
/// cannot be read must not hide the rest.
#[derive(Deserialize)]
pub(super) struct SessionList {
    data: Vec<Value>,
    has_more: bool,
}

impl SessionList {
    /// # Errors
    /// When another page follows, and this one does not say where it begins.
    pub(super) fn into_page(self) -> Result<SessionPage, StripeError> {
        let last = self.data.last().and_then(|session| session["id"].as_str()).map(str::to_owned);
        if self.has_more && last.is_none() {
            let reason = "a page of sessions is empty, but not the last".to_owned();
            return Err(StripeError::Unreadable { reason });
        }
        let sessions = self.data.into_iter().filter_map(|session| {
            let id = session["id"].as_str().map(str::to_owned);
            match serde_json::from_value(session) {
                Ok(session) => Some(session),
                Err(error) => {
                    tracing::warn!(
                        stripe.session = id, error.cause = %error,
                        "Session in a list cannot be read, it is skipped"
                    );
                    None
                }
            }
        });
        Ok(SessionPage { sessions: sessions.collect(), next: last.filter(|_| self.has_more) })
    }
}
