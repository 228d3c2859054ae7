//! Checks a service account's signed assertion: a JWT with RS256
//! (<https://developers.google.com/identity/protocols/oauth2/service-account>).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::test_account::{CLIENT_EMAIL, KEY_ID, PRIVATE_KEY};

/// The scope of an access token.
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
/// The accepted clock skew.
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

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AssertionError {
    /// Google's `invalid_grant`.
    InvalidGrant(&'static str),
    /// Google's `invalid_scope`.
    InvalidScope(&'static str),
    /// Google's `unauthorized_client`.
    UnauthorizedClient(&'static str),
}

/// Checks an assertion that was sent to `token_uri`, and returns its scope.
pub(super) fn check(
    assertion: &str,
    token_uri: &str,
    subject: Option<&str>,
    now: Timestamp,
) -> Result<Scope, AssertionError> {
    use AssertionError::{InvalidGrant, InvalidScope, UnauthorizedClient};

    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(InvalidGrant("The assertion is not a JWT."));
    };
    let message = &assertion[..header.len() + 1 + claims.len()];
    let header: Header = decode(header)?;
    if header.alg != "RS256" || header.kid != KEY_ID {
        return Err(InvalidGrant("The assertion names another algorithm or key."));
    }
    let signature = bytes(signature)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key());
    if key.verify(message.as_bytes(), &signature).is_err() {
        return Err(InvalidGrant("The assertion's signature is wrong."));
    }

    let claims: Claims = decode(claims)?;
    if claims.iss != CLIENT_EMAIL {
        return Err(InvalidGrant("There is no such account."));
    }
    if claims.aud != token_uri {
        return Err(InvalidGrant("The audience is wrong: see aud."));
    }
    let instant = |second| {
        Timestamp::from_second(second).map_err(|_| InvalidGrant("A time is out of range."))
    };
    let (issued, expires) = (instant(claims.iat)?, instant(claims.exp)?);
    if issued.duration_since(now) > SKEW || now.duration_since(expires) > SKEW {
        return Err(InvalidGrant("The assertion is not valid now: see iat and exp."));
    }
    if expires <= issued || expires.duration_since(issued) > MAX_LIFETIME {
        return Err(InvalidGrant("The lifetime must be positive and at most an hour."));
    }
    let Some(scope) = Scope::of(&claims.scope) else {
        return Err(InvalidScope("The scope is neither calendar.freebusy nor calendar.events."));
    };
    if claims.sub.is_some() && claims.sub.as_deref() != subject {
        return Err(UnauthorizedClient("The account may not act for this person: see sub."));
    }
    Ok(scope)
}

fn bytes(part: &str) -> Result<Vec<u8>, AssertionError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| AssertionError::InvalidGrant("A part of the assertion is not base64url."))
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, AssertionError> {
    serde_json::from_slice(&bytes(part)?)
        .map_err(|_| AssertionError::InvalidGrant("A part of the assertion has the wrong fields."))
}

fn public_key() -> Vec<u8> {
    let pem = PRIVATE_KEY.lines().skip_while(|line| !line.starts_with("-----BEGIN"));
    let text: String = pem.skip(1).take_while(|line| !line.starts_with("-----END")).collect();
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
