//! The keys that identify a repeated request, and those that limit unpaid holds. Both are
//! stored as a hash, because their plain text is personal.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use salon::booking::{HoldKey, RequestKey};
use salon::customer::Customer;

/// Returns the keys against which the unpaid holds of a customer at a network address count.
///
/// The address is part of the keys because anyone can enter somebody else's phone number and
/// e-mail address. The holds that a stranger places in a client's name count only at the
/// stranger's address.
pub(super) fn customer_keys(customer: &Customer, address: Option<&HoldKey>) -> [HoldKey; 2] {
    let key = |kind, value| {
        let parts = [kind, value].into_iter().chain(address.map(|address| &*address.0));
        HoldKey(hash(&parts.collect::<Vec<_>>()).into())
    };
    [key("phone", customer.phone.as_str()), key("email", &customer.email.normalised())]
}

/// Returns the key against which the unpaid holds of a network address count.
///
/// For IPv6 it is the /64 network: a household has one of these and can use any
/// address in it (<https://www.rfc-editor.org/rfc/rfc6177>).
#[must_use]
pub fn address_key(address: IpAddr) -> HoldKey {
    let network = match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    };
    HoldKey(hash(&["address", &network]).into())
}

/// Returns the form in which an `Idempotency-Key` is stored.
#[must_use]
pub fn request_key(key: &str) -> RequestKey {
    RequestKey(hash(&["request", key]).into())
}

/// Returns the hash by which a different request under the same key is noticed.
#[must_use]
pub fn fingerprint(fields: &[&str]) -> String {
    hash(fields)
}

/// Hashes texts. Each is preceded by its length, so that texts cannot run
/// together.
fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_one_ipv6_network_share_a_key_and_ipv4_addresses_do_not() {
        let key = |address: &str| address_key(address.parse().expect("an address"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    }

    #[test]
    fn texts_do_not_run_together() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        assert_eq!(fingerprint(&["a"]).len(), 32);
    }
}
