//! The service account of the fake Google, and the check of its signed assertions: JWTs with
//! RS256 (<https://developers.google.com/identity/protocols/oauth2/service-account>).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub const CLIENT_EMAIL: &str = "openchair@fake-google.example";
const KEY_ID: &str = "fake-google-1";
/// The account's private key. It is not a secret.
const PRIVATE_KEY: &str = include_str!("test_key.pem");

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    FreeBusy,
    Events,
}

impl Scope {
    fn of(name: &str) -> Option<Self> {
        match name {
            "https://www.googleapis.com/auth/calendar.freebusy" => Some(Self::FreeBusy),
            "https://www.googleapis.com/auth/calendar.events" => Some(Self::Events),
            _ => None,
        }
    }
}

const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
const SKEW: SignedDuration = SignedDuration::from_mins(5);

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
    sub: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AssertionError {
    /// Google's code, such as `invalid_grant`.
    pub(super) code: &'static str,
    pub(super) description: &'static str,
}

const fn invalid_grant(description: &'static str) -> AssertionError {
    AssertionError { code: "invalid_grant", description }
}

/// Checks an assertion that was sent to `token_uri`, and returns its scope.
pub(super) fn check(
    assertion: &str,
    token_uri: &str,
    subject: Option<&str>,
    now: Timestamp,
) -> Result<Scope, AssertionError> {
    let (message, signature) = assertion.rsplit_once('.').unwrap_or_default();
    let (header, claims) = message.split_once('.').unwrap_or_default();
    let header: Header = decode(header)?;
    if header.alg != "RS256" || header.kid != KEY_ID {
        return Err(invalid_grant("The assertion names another algorithm or key."));
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if key.verify(message.as_bytes(), &signature).is_err() {
        return Err(invalid_grant("The assertion's signature is wrong."));
    }

    let claims: Claims = decode(claims)?;
    if claims.iss != CLIENT_EMAIL {
        return Err(invalid_grant("There is no such account."));
    }
    if claims.aud != token_uri {
        return Err(invalid_grant("The audience is wrong: see aud."));
    }
    let instant =
        |second| Timestamp::from_second(second).map_err(|_| invalid_grant("A time is too large."));
    let (issued, expires) = (instant(claims.iat)?, instant(claims.exp)?);
    if issued.duration_since(now) > SKEW || now.duration_since(expires) > SKEW {
        return Err(invalid_grant("The assertion is not valid now: see iat and exp."));
    }
    if expires <= issued || expires.duration_since(issued) > MAX_LIFETIME {
        return Err(invalid_grant("The lifetime must be positive and at most an hour."));
    }
    if claims.sub.is_some() && claims.sub.as_deref() != subject {
        let description = "The account may not act for this person: see sub.";
        return Err(AssertionError { code: "unauthorized_client", description });
    }
    Scope::of(&claims.scope).ok_or(AssertionError {
        code: "invalid_scope",
        description: "The scope is neither calendar.freebusy nor calendar.events.",
    })
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, AssertionError> {
    let json = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&json)
        .map_err(|_| invalid_grant("A part of the assertion is not a JWT's."))
}

fn public_key() -> Vec<u8> {
    // The file begins with a remark.
    let key = PRIVATE_KEY.lines().skip_while(|line| !line.starts_with("-----"));
    let text: String = key.filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(text).expect("the test key is PEM");
    let pair = KeyPair::from_pkcs8(&der).expect("the test key is an RSA key");
    pair.public().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::RSA_PKCS1_SHA256;
    use serde_json::{Value, json};

    use super::*;

    const TOKEN_URI: &str = "http://127.0.0.1:9004/token";
    const SCOPE: &str = "https://www.googleapis.com/auth/calendar.freebusy";
    const NOW: i64 = 1_800_000_000;

    fn claims(change: impl FnOnce(&mut Value)) -> Value {
        let mut claims = json!({
            "iss": CLIENT_EMAIL, "scope": SCOPE, "aud": TOKEN_URI, "iat": NOW, "exp": NOW + 3_600,
        });
        change(&mut claims);
        claims
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let pem = PRIVATE_KEY.lines().filter(|line| line.len() <= 64 && !line.starts_with("-----"));
        let der = STANDARD.decode(pem.collect::<String>()).unwrap();
        let pair = KeyPair::from_pkcs8(&der).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header() -> Value {
        json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID})
    }

    fn checked(assertion: &str) -> Result<(), AssertionError> {
        let now = Timestamp::from_second(NOW).unwrap();
        check(assertion, TOKEN_URI, Some("owner@salon.example"), now).map(drop)
    }

    #[test]
    fn each_claim_is_checked() {
        let good: [fn(&mut Value); 3] = [
            |_| {},
            |claims| claims["sub"] = "owner@salon.example".into(),
            |claims| claims["iat"] = (NOW + 60).into(),
        ];
        for change in good {
            let claims = claims(change);
            assert_eq!(checked(&signed(&header(), &claims)), Ok(()), "{claims}");
        }
        let wrong: [fn(&mut Value); 8] = [
            |claims| claims["iss"] = "somebody@else.example".into(),
            |claims| claims["aud"] = "https://oauth2.googleapis.com/token".into(),
            |claims| claims["scope"] = "https://www.googleapis.com/auth/calendar".into(),
            |claims| claims["exp"] = (NOW + 3_601).into(),
            |claims| claims["exp"] = (NOW - 1).into(),
            |claims| claims["iat"] = (NOW + 3_000).into(),
            |claims| claims["iat"] = Value::Null,
            |claims| claims["sub"] = "somebody@salon.example".into(),
        ];
        for change in wrong {
            let claims = claims(change);
            assert!(checked(&signed(&header(), &claims)).is_err(), "{claims}");
        }
    }

    #[test]
    fn a_wrong_signature_or_header_is_refused() {
        let good = signed(&header(), &claims(|_| {}));
        let (message, signature) = good.rsplit_once('.').unwrap();
        let other = signed(&header(), &claims(|claims| claims["iat"] = (NOW - 1).into()));
        let (_, other_signature) = other.rsplit_once('.').unwrap();
        let wrong = [
            format!("{message}.{other_signature}"),
            format!("{message}."),
            message.to_owned(),
            format!("{message}.{signature}."),
            signed(&json!({"alg": "none", "kid": KEY_ID}), &claims(|_| {})),
            signed(&json!({"alg": "RS256", "kid": "another"}), &claims(|_| {})),
            String::new(),
        ];
        for assertion in wrong {
            assert!(checked(&assertion).is_err(), "{assertion}");
        }
    }
}
