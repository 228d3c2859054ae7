//! API keys and their rights: <https://docs.stripe.com/keys>.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Method, header};

use super::api_error::ApiError;

/// A permission of a restricted key, with the name that Stripe's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    CheckoutSessionsRead,
    /// Includes reading.
    CheckoutSessionsWrite,
    PaymentIntentsRead,
    /// Includes reading.
    PaymentIntentsWrite,
    RefundsRead,
    /// Includes reading.
    RefundsWrite,
    EventsRead,
}

impl Right {
    const fn name(self) -> &'static str {
        match self {
            Self::CheckoutSessionsRead => "rak_checkout_session_read",
            Self::CheckoutSessionsWrite => "rak_checkout_session_write",
            Self::PaymentIntentsRead => "rak_payment_intent_read",
            Self::PaymentIntentsWrite => "rak_payment_intent_write",
            Self::RefundsRead => "rak_charge_read",
            Self::RefundsWrite => "rak_charge_write",
            Self::EventsRead => "rak_event_read",
        }
    }

    /// Returns the right that a call needs.
    fn needed_for(method: &Method, path: &str) -> Self {
        let is_read = method == Method::GET;
        if path.starts_with("/v1/checkout/sessions") {
            if is_read { Self::CheckoutSessionsRead } else { Self::CheckoutSessionsWrite }
        } else if path.starts_with("/v1/payment_intents") {
            if is_read { Self::PaymentIntentsRead } else { Self::PaymentIntentsWrite }
        } else if path.starts_with("/v1/refunds") {
            if is_read { Self::RefundsRead } else { Self::RefundsWrite }
        } else {
            Self::EventsRead
        }
    }

    /// Returns the right that includes this one, if there is one.
    const fn included_in(self) -> Option<Self> {
        match self {
            Self::CheckoutSessionsRead => Some(Self::CheckoutSessionsWrite),
            Self::PaymentIntentsRead => Some(Self::PaymentIntentsWrite),
            Self::RefundsRead => Some(Self::RefundsWrite),
            Self::CheckoutSessionsWrite
            | Self::PaymentIntentsWrite
            | Self::RefundsWrite
            | Self::EventsRead => None,
        }
    }
}

/// Checks that the API key of a request may make a call. Secret keys have every right,
/// restricted keys those in `rights`.
pub(super) fn check(
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    rights: Option<&BTreeSet<Right>>,
) -> Result<(), ApiError> {
    let key = bearer(headers).ok_or_else(ApiError::no_key)?;
    let (is_restricted, rest) = match (key.strip_prefix("sk_"), key.strip_prefix("rk_")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(ApiError::invalid_key(key)),
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if rest.strip_prefix("live_").is_some_and(is_word) {
        return Err(ApiError::live_key());
    }
    if !rest.strip_prefix("test_").is_some_and(is_word) {
        return Err(ApiError::invalid_key(key));
    }
    let needed = Right::needed_for(method, path);
    let has = |right| rights.is_none_or(|rights| rights.contains(&right));
    if !is_restricted || has(needed) || needed.included_in().is_some_and(has) {
        return Ok(());
    }
    Err(ApiError::right_missing(key, needed.name()))
}

/// Checks the version of the API that a request names, if it names one: a date, and since
/// `2024-09-30.acacia` a name.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(version) = headers.get("stripe-version") else { return Ok(()) };
    let version = version.to_str().unwrap_or_default();
    let (date, name) = match version.split_once('.') {
        Some((date, name)) => (date, Some(name)),
        None => (version, None),
    };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase());
    let is_date = date.len() == "2024-09-30".len() && date.parse::<jiff::civil::Date>().is_ok();
    if is_date && name.is_none_or(is_name) {
        return Ok(());
    }
    Err(ApiError::malformed(format!("Invalid Stripe API version: {version}")))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
