//! The network address of a client, from the gateway or from a trusted CDN.

use std::net::IpAddr;

use lambda_http::http::HeaderMap;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The variable of the secret that a CDN sends with each request. `CLIENT_ADDRESS_SECRET_PARAMETER`
/// may name an SSM parameter instead.
pub const CLIENT_ADDRESS_SECRET: &str = "CLIENT_ADDRESS_SECRET";
/// The fewest characters of the secret. Anyone can try one with every request.
const MIN_SECRET: usize = 20;
const ADDRESS_HEADER: &str = "x-openchair-client-address";
const SECRET_HEADER: &str = "x-openchair-client-secret";

/// Finds the network addresses of clients.
///
/// The gateway's source address cannot be forged, but behind a CDN it is the CDN's. A CDN that
/// knows the secret may send the client's address in a header.
#[derive(Clone, Debug, Default)]
pub struct ClientAddresses {
    /// `None`: the headers are ignored.
    secret: Option<SecretString>,
}

/// The secret is so short that it can be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CLIENT_ADDRESS_SECRET must have at least 20 characters, and only visible ASCII ones")]
pub struct UnusableSecret;

impl ClientAddresses {
    /// Trusts the address header of requests that have the secret.
    ///
    /// # Errors
    /// If the secret is short, or cannot be sent in a header.
    pub fn new(secret: Option<SecretString>) -> Result<Self, UnusableSecret> {
        let is_usable = secret.as_ref().is_none_or(|secret| {
            let secret = secret.expose_secret();
            secret.len() >= MIN_SECRET && secret.bytes().all(|byte| byte.is_ascii_graphic())
        });
        if is_usable { Ok(Self { secret }) } else { Err(UnusableSecret) }
    }

    /// Returns the address of the client who sends a request, as far as it is known.
    #[must_use]
    pub fn of(&self, request: &Request) -> Option<IpAddr> {
        self.sent_by_cdn(request.headers()).or_else(|| source_address(request))
    }

    fn sent_by_cdn(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let secret = self.secret.as_ref()?.expose_secret().as_bytes();
        if !headers.contains_key(SECRET_HEADER) {
            return None;
        }
        let presented = single(headers, SECRET_HEADER).unwrap_or_default();
        if !bool::from(secret.ct_eq(presented)) {
            tracing::warn!("Secret beside a client's address is wrong, the address is ignored");
            return None;
        }
        let address = single(headers, ADDRESS_HEADER).and_then(|it| std::str::from_utf8(it).ok());
        let address = address.and_then(|address| address.trim().parse().ok());
        if address.is_none() {
            tracing::warn!("Client's address from the CDN is unreadable, it is ignored");
        }
        address
    }
}

/// Returns the value of a header that is there once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

fn source_address(request: &Request) -> Option<IpAddr> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    context.http.source_ip.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use stand_ins::gateway_event::GatewayEvent;

    use super::*;

    const SECRET: &str = "a-secret-of-the-cdn-0123456789";

    fn addresses(secret: Option<&str>) -> Result<ClientAddresses, UnusableSecret> {
        ClientAddresses::new(secret.map(SecretString::from))
    }

    #[test]
    fn an_address_in_a_header_counts_only_beside_the_secret() {
        /// The secret, the values of the two headers, and the address that counts.
        type Case<'a> = (Option<&'a str>, &'a [&'a str], &'a [&'a str], &'a str);
        let right = &[SECRET][..];
        let cases: &[Case<'_>] = &[
            (Some(SECRET), right, &["198.51.100.9"], "198.51.100.9"),
            (Some(SECRET), right, &[" 2001:db8::7 "], "2001:db8::7"),
            (Some(SECRET), right, &[], "192.0.2.1"),
            (Some(SECRET), right, &[""], "192.0.2.1"),
            (Some(SECRET), right, &["198.51.100.9:443"], "192.0.2.1"),
            (Some(SECRET), right, &["198.51.100.9, 198.51.100.8"], "192.0.2.1"),
            (Some(SECRET), right, &["198.51.100.9", "198.51.100.8"], "192.0.2.1"),
            (Some(SECRET), right, &["localhost"], "192.0.2.1"),
            (Some(SECRET), &[], &["198.51.100.9"], "192.0.2.1"),
            (Some(SECRET), &[""], &["198.51.100.9"], "192.0.2.1"),
            (Some(SECRET), &["another-secret"], &["198.51.100.9"], "192.0.2.1"),
            (Some(SECRET), &[&SECRET[1..]], &["198.51.100.9"], "192.0.2.1"),
            (Some(SECRET), &[SECRET, SECRET], &["198.51.100.9"], "192.0.2.1"),
            (Some(SECRET), &[SECRET, "another-secret"], &["198.51.100.9"], "192.0.2.1"),
            (None, right, &["198.51.100.9"], "192.0.2.1"),
            (None, &[""], &["198.51.100.9"], "192.0.2.1"),
        ];
        for (secret, secrets, given, expected) in cases {
            let mut request = GatewayEvent::new("POST", "/checkout").request();
            for (name, values) in [(SECRET_HEADER, secrets), (ADDRESS_HEADER, given)] {
                for value in *values {
                    request.headers_mut().append(name, value.parse().expect("a value"));
                }
            }
            let address = addresses(*secret).expect("a usable secret").of(&request);
            assert_eq!(address, expected.parse().ok(), "{secret:?} {secrets:?} {given:?}");
        }
    }

    #[test]
    fn a_secret_that_can_be_guessed_or_not_be_sent_is_refused() {
        for secret in
            ["short", "nineteen-characters", "a secret of several words", "ä".repeat(20).as_str()]
        {
            let error = addresses(Some(secret)).expect_err(secret).to_string();
            assert!(error.starts_with("CLIENT_ADDRESS_SECRET ") && !error.contains(secret));
        }
        assert!(addresses(Some("exactly-20-character")).is_ok());
        let shown = format!("{:?}", addresses(Some(SECRET)));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
