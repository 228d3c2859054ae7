//! A Google service account: its key file, and the assertions that it signs.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::calendars::calendar_url::CalendarUrl;
use crate::calendars::google_calendar::GoogleScope;
use crate::calendars::secret_json::{self, JsonValue, ValidationErrors, Validator, find, join};

/// The longest lifetime that Google allows for an assertion.
const ASSERTION_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// A Google service account, from its key file. Clones share the key.
#[derive(Clone)]
pub struct ServiceAccount(Arc<Inner>);

struct Inner {
    client_email: String,
    private_key_id: String,
    key: KeyPair,
    token_uri: CalendarUrl,
}

impl ServiceAccount {
    /// Parses a key file. The fields `client_email`, `private_key`,
    /// `private_key_id` and `token_uri` are used.
    ///
    /// # Errors
    /// All errors at once, each with the path of the field and without its
    /// value.
    pub fn parse(json: &SecretString) -> Result<Self, ValidationErrors> {
        secret_json::parse(json, "serviceAccount", Self::validate)
    }

    /// Validates a key file inside another document. Unknown fields are allowed.
    pub(in crate::calendars) fn validate(
        validator: &mut Validator,
        path: &str,
        value: &JsonValue,
    ) -> Option<Self> {
        let fields = validator.object(path, value)?;
        if let Some(kind) = find(fields, "type")
            && !matches!(kind, JsonValue::Text(kind) if kind.expose_secret() == "service_account")
        {
            // Such as the file of an OAuth client, which the same page offers.
            validator.report(&join(path, "type"), "must be service_account");
        }
        let email = validator.required_text(path, fields, "client_email");
        let key_id = validator.required_text(path, fields, "private_key_id");
        let key = validator.required_text(path, fields, "private_key").and_then(|pem| {
            let key = parse_key(pem);
            key.map_err(|message| validator.report(&join(path, "private_key"), message)).ok()
        });
        let token_uri = validator.required_text(path, fields, "token_uri").and_then(|address| {
            let address = CalendarUrl::parse(address.expose_secret());
            let report = |validator: &mut Validator, message: String| {
                validator.report(&join(path, "token_uri"), message);
            };
            address.map_err(|error| report(validator, error.to_string())).ok()
        });
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        Some(Self(Arc::new(Inner {
            client_email: text(email?),
            private_key_id: text(key_id?),
            key: key?,
            token_uri: token_uri?,
        })))
    }

    pub(super) fn token_uri(&self) -> Uri {
        self.0.token_uri.to_uri()
    }

    /// Signs the assertion that requests an access token: a JWT with RS256
    /// (<https://developers.google.com/identity/protocols/oauth2/service-account>).
    pub(super) fn assertion(
        &self,
        subject: Option<&str>,
        scope: GoogleScope,
        now: Timestamp,
    ) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.0.private_key_id});
        let issued = now.as_second();
        let mut claims = json!({
            "iss": self.0.client_email,
            "scope": scope.url(),
            "aud": self.0.token_uri.as_str(),
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME.as_secs(),
        });
        if let Some(subject) = subject {
            claims["sub"] = subject.into();
        }
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let message =
            [encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes())]
                .join(".");
        let mut signature = vec![0; self.0.key.public().modulus_len()];
        self.0
            .key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("the signature is as long as the modulus");
        format!("{message}.{}", encode(&signature))
    }
}

/// Parses a private key. The error has no details of ring's or of the PEM
/// parser's: the only remedy is to download another key file.
fn parse_key(pem: &SecretString) -> Result<KeyPair, &'static str> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(
        |_| "is not a private key in PEM format, which begins with -----BEGIN PRIVATE KEY-----",
    )?;
    KeyPair::from_pkcs8(der.secret_pkcs8_der())
        .map_err(|_| "is not an RSA key of at least 2048 bits, or is damaged")
}

/// Hides the account.
impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;
    use crate::calendars::google_calendar::tests::key_file;

    fn parse(json: &Value) -> Result<ServiceAccount, ValidationErrors> {
        ServiceAccount::parse(&json.to_string().into())
    }

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn an_assertion_contains_the_claims_and_is_signed() {
        let account = parse(&key_file("https://oauth2.example/token")).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let assertion = account.assertion(Some("owner@salon.example"), GoogleScope::FreeBusy, now);

        let (message, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, account.0.key.public().as_ref());
        assert!(public.verify(message.as_bytes(), &signature).is_ok());

        let (header, claims) = message.split_once('.').unwrap();
        assert_eq!(decoded(header), json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
        let expected = json!({
            "iss": "salon@test.example", "scope": GoogleScope::FreeBusy.url(), "aud": "https://oauth2.example/token",
            "iat": 1_800_000_000, "exp": 1_800_003_600, "sub": "owner@salon.example",
        });
        assert_eq!(decoded(claims), expected);
        let alone = account.assertion(None, GoogleScope::Events, now);
        let alone = decoded(alone.split('.').nth(1).unwrap());
        assert_eq!(alone.get("sub"), None);
        assert_eq!(alone["scope"], "https://www.googleapis.com/auth/calendar.events");
    }

    #[test]
    fn all_errors_are_reported_without_the_key() {
        let mut file = key_file("http://oauth2.example/hidden");
        file["type"] = "authorized_user".into();
        file["private_key"] = "hidden".into();
        file["client_email"] = 7.into();
        file.as_object_mut().unwrap().remove("private_key_id");
        let errors = parse(&file).unwrap_err();
        let expected = "\
serviceAccount.type: must be service_account
serviceAccount.client_email: must be text
serviceAccount.private_key_id: is missing
serviceAccount.private_key: is not a private key in PEM format, which begins with -----BEGIN PRIVATE KEY-----
serviceAccount.token_uri: it must begin with https://, so that the connection is encrypted";
        assert_eq!(errors.to_string(), expected);
        assert!(!format!("{errors:?}").contains("hidden"));
    }

    #[test]
    fn text_that_is_not_a_key_file_is_not_quoted_in_the_error() {
        for text in ["hidden", "{\"private_key\": hidden}", "\"hidden\"", "[]", ""] {
            let errors = ServiceAccount::parse(&text.into()).unwrap_err();
            assert!(!format!("{errors} {errors:?}").contains("hidden"), "{errors:?}");
        }
    }

    #[test]
    fn a_damaged_key_is_rejected_when_it_is_parsed() {
        let mut file = key_file("https://oauth2.example/token");
        let pem = file["private_key"].as_str().unwrap().replacen("MII", "MIJ", 1);
        file["private_key"] = pem.into();
        let errors = parse(&file).unwrap_err();
        let expected = "is not an RSA key of at least 2048 bits, or is damaged";
        assert_eq!(errors.0[0].message, expected);
    }

    #[test]
    fn an_account_is_not_printed() {
        let account = parse(&key_file("https://oauth2.example/token")).unwrap();
        assert_eq!(format!("{account:?}"), "ServiceAccount { .. }");
    }
}
