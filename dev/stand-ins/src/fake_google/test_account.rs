//! The one service account that the fake Google knows.

use serde_json::{Value, json};

/// The account's address.
pub const CLIENT_EMAIL: &str = "openchair@fake-google.example";

/// The id of the account's key.
pub(super) const KEY_ID: &str = "fake-google-1";

/// The account's private key. It is public, and so guards nothing.
pub(super) const PRIVATE_KEY: &str = include_str!("test_key.pem");

/// Returns the account's key file, as Google would make it, with the address
/// at which access tokens are to be had.
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
