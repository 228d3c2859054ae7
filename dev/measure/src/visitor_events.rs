//! API Gateway events: what visitors and Stripe send to the functions.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use salon::service::StaffId;
use serde_json::json;

use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{WEBHOOK_SECRET, signature};

/// The first of the addresses that are reserved for load tests (RFC 2544).
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 0]);
/// The first of many possible phone numbers in the United States.
const FIRST_PHONE: u64 = 12_132_000_000;

/// A visitor, with an address, a phone number and idempotency keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Visitor(pub(crate) u32);

impl Visitor {
    /// Requests a page.
    pub(crate) fn get(self, target: &str) -> GatewayEvent {
        self.with_browser_headers(GatewayEvent::new("GET", target))
    }

    /// Pays a deposit without a booking.
    pub(crate) fn pay_bare_deposit(self) -> GatewayEvent {
        self.with_browser_headers(GatewayEvent::new("POST", "/checkout"))
    }

    /// Books a time. A repetition by the same visitor has the same idempotency key.
    pub(crate) fn book(
        self,
        service: &str,
        start: Timestamp,
        staff: Option<&StaffId>,
    ) -> GatewayEvent {
        let Self(number) = self;
        let body = json!({
            "serviceId": service,
            "start": start.to_string(),
            "staffId": staff.map(StaffId::as_str),
            "clientName": format!("Visitor {number}"),
            "clientPhone": format!("+{}", FIRST_PHONE + u64::from(number)),
            "clientEmail": format!("visitor{number}@example.com"),
        });
        let body = body.to_string();
        self.with_browser_headers(GatewayEvent::new("POST", "/checkout"))
            .header("content-length", &body.len().to_string())
            .header("content-type", "application/json")
            .header("idempotency-key", &format!("visitor-{number:08}-{}", start.as_second()))
            .body(&body)
    }

    /// Adds the headers that a browser and the gateway send.
    fn with_browser_headers(self, event: GatewayEvent) -> GatewayEvent {
        let address = Ipv4Addr::from_bits(FIRST_ADDRESS + self.0).to_string();
        event
            .source(&address)
            .header("accept", "application/json, text/plain, */*")
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .header("accept-language", "en-US,en;q=0.9")
            .header("content-length", "0")
            .header("host", "api.execute-api.us-east-1.amazonaws.com")
            .header("origin", "https://salon.example")
            .header("referer", "https://salon.example/")
            .header("sec-fetch-dest", "empty")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-site", "cross-site")
            .header(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
            )
            .header("x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
            .header("x-forwarded-for", &address)
            .header("x-forwarded-port", "443")
            .header("x-forwarded-proto", "https")
    }
}

/// Delivers an event of Stripe's, signed at `at`.
pub(crate) fn stripe_event(body: &str, at: Timestamp) -> GatewayEvent {
    GatewayEvent::new("POST", "/stripe/webhook")
        .header("accept", "*/*; q=0.5, application/xml")
        .header("cache-control", "no-cache")
        .header("content-type", "application/json; charset=utf-8")
        .header("host", "api.execute-api.us-east-1.amazonaws.com")
        .header("stripe-signature", &signature(WEBHOOK_SECRET, at, body))
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        .header("x-forwarded-for", "3.18.12.63")
        .header("x-forwarded-port", "443")
        .header("x-forwarded-proto", "https")
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visitor_has_an_address_a_phone_number_and_a_key_of_its_own() {
        let start = "2026-11-28T18:00:00Z".parse().unwrap();
        let [one, other] = [1, 70_000].map(|n| Visitor(n).book("load", start, None).json());
        for text in ["198.18.0.1\"", "+12132000001\\\"", "visitor-00000001-", "visitor1@"] {
            assert!(one.contains(text), "{text} in {one}");
            assert!(!other.contains(text), "{text} in {other}");
        }
        assert!(other.contains("198.19.17.112"), "{other}");
    }
}
