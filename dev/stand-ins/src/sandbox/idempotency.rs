//! Idempotency keys, as in Stripe's API v1.
//!
//! See <https://docs.stripe.com/api/idempotent_requests> and
//! <https://docs.stripe.com/error-low-level#idempotency>.

use std::collections::HashMap;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api_error::ApiError;
use super::params::Fields;
use super::stored;

const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// The response that is repeated for the same key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct SavedResponse {
    #[serde(with = "stored::status")]
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) request_id: String,
}

/// The path and parameters, which identify a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Fingerprint {
    pub(super) path: String,
    pub(super) params: Fields,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Entry {
    fingerprint: Fingerprint,
    claimed_at: Timestamp,
    /// `None` while the first request is running.
    response: Option<SavedResponse>,
}

/// The keys of the last 24 hours.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct IdempotencyKeys(HashMap<String, Entry>);

impl IdempotencyKeys {
    /// Claims a key for a request, or returns the saved response. Fails if the key is in use or
    /// belongs to another request.
    pub(super) fn claim(
        &mut self,
        key: &str,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<SavedResponse>, ApiError> {
        self.0.retain(|_, entry| entry.response.is_none() || now < entry.claimed_at + RETENTION);
        if let Some(entry) = self.0.get(key) {
            return match &entry.response {
                None => Err(ApiError::key_in_use(key)),
                Some(_) if entry.fingerprint != fingerprint => Err(ApiError::key_mismatch(key)),
                Some(response) => Ok(Some(response.clone())),
            };
        }
        let entry = Entry { fingerprint, claimed_at: now, response: None };
        self.0.insert(key.to_owned(), entry);
        Ok(None)
    }

    /// Saves the response under a claimed key.
    pub(super) fn save(&mut self, key: &str, response: SavedResponse) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.response = Some(response);
        }
    }

    /// Returns the keys whose requests have ended. The others end with the sandbox.
    pub(super) fn finished(&self) -> Self {
        let finished = self.0.iter().filter(|(_, entry)| entry.response.is_some());
        Self(finished.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    /// Releases a key without saving a response.
    pub(super) fn release(&mut self, key: &str) {
        self.0.remove(key);
    }
}
