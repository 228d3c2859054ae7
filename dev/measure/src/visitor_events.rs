//! API Gateway events: what visitors send to the functions.

use std::net::Ipv4Addr;

use dev::serve::LOAD_CLIENT_ADDRESS_SECRET;
use jiff::Timestamp;
use salon::service::StaffId;
use serde_json::json;

use stand_ins::gateway_event::GatewayEvent;

/// The first of the addresses that are reserved for load tests (RFC 2544).
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 0]);
/// The first of many possible phone numbers in the United States.
const FIRST_PHONE: u64 = 12_132_000_000;
/// The address of a CDN, from which all requests come that pass through it.
const CDN: &str = "192.0.2.7";

/// A visitor, with an address, a phone number and idempotency keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Visitor(pub(crate) u32);

impl Visitor {
    /// Requests a page.
    pub(crate) fn get(self, target: &str) -> GatewayEvent {
        self.with_browser_headers(GatewayEvent::new("GET", target))
    }

    /// Books a time. A repetition by the same visitor has the same idempotency key.
    pub(crate) fn book(
        self,
        service: &str,
        start: Timestamp,
        staff: Option<&StaffId>,
    ) -> GatewayEvent {
        self.checkout(service, start, staff, false)
    }

    /// Books a time, or stands by if only unpaid holds are in the way.
    pub(crate) fn book_or_stand_by(self, service: &str, start: Timestamp) -> GatewayEvent {
        self.checkout(service, start, None, true)
    }

    /// Sends a request through a CDN, which passes on the visitor's address in a header.
    pub(crate) fn through_cdn(self, event: GatewayEvent) -> GatewayEvent {
        event
            .source(CDN)
            .header("x-openchair-client-address", &self.address())
            .header("x-openchair-client-secret", LOAD_CLIENT_ADDRESS_SECRET)
    }

    fn checkout(
        self,
        service: &str,
        start: Timestamp,
        staff: Option<&StaffId>,
        is_standby: bool,
    ) -> GatewayEvent {
        let number = self.0;
        let body = json!({
            "serviceId": service,
            "start": start.to_string(),
            "staffId": staff.map(StaffId::as_str),
            "clientName": format!("Visitor {number}"),
            "clientPhone": format!("+{}", FIRST_PHONE + u64::from(number)),
            "clientEmail": format!("visitor{number}@example.com"),
            "standby": is_standby,
        });
        let body = body.to_string();
        self.with_browser_headers(GatewayEvent::new("POST", "/checkout"))
            .header("content-length", &body.len().to_string())
            .header("content-type", "application/json")
            .header("idempotency-key", &format!("visitor-{number:08}-{}", start.as_second()))
            .body(&body)
    }

    fn address(self) -> String {
        Ipv4Addr::from_bits(FIRST_ADDRESS + self.0).to_string()
    }

    /// Adds the headers that a browser and the gateway send.
    fn with_browser_headers(self, event: GatewayEvent) -> GatewayEvent {
        let address = self.address();
        let headers = [
            ("accept", "application/json, text/plain, */*"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "en-US,en;q=0.9"),
            ("content-length", "0"),
            ("host", "api.execute-api.us-east-1.amazonaws.com"),
            ("origin", "https://salon.example"),
            ("referer", "https://salon.example/"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "cross-site"),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
            ),
            ("x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
        ];
        let event = event.source(&address).header("x-forwarded-for", &address);
        headers.iter().fold(event, |event, (name, value)| event.header(name, value))
    }
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

    #[test]
    fn behind_a_cdn_the_address_of_a_visitor_is_in_its_header() {
        let start = "2026-11-28T18:00:00Z".parse().unwrap();
        let event = Visitor(1).through_cdn(Visitor(1).book_or_stand_by("load", start)).json();
        for text in [
            r#""sourceIp":"192.0.2.7""#,
            r#""x-openchair-client-address":"198.18.0.1""#,
            r#"\"standby\":true"#,
        ] {
            assert!(event.contains(text), "{text} in {event}");
        }
    }
}
