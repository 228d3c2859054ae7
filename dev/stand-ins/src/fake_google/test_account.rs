//! The service account of the fake Google.

use serde_json::{Value, json};

pub const CLIENT_EMAIL: &str = "openchair@fake-google.example";

pub(super) const KEY_ID: &str = "fake-google-1";

/// The account's private key. It is not a secret.
pub(super) const PRIVATE_KEY: &str = include_str!("test_key.pem");

/// Returns the account's key file in Google's format.
#[must_use]
pub fn service_account(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "openchair",
        "private_key_id": KEY_ID,
        "private_key": PRIVATE_KEY,
        "client_email": CLIENT_EMAIL,
        "token_uri": token_uri,
    })
}
