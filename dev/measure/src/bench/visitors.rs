//! Who asks the functions, and what: API Gateway's events.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{WEBHOOK_SECRET, signature};

/// How many times of half an hour a day has.
pub(super) const TIMES_A_DAY: usize = 48;

/// Visitors who each book another time.
#[derive(Debug)]
pub(super) struct Visitors {
    /// Midnight before the first day that is booked.
    first: Timestamp,
    staff: usize,
    days: usize,
    /// How many there have been. They share nothing: not even an address.
    so_far: usize,
}

impl Visitors {
    pub(super) const fn new(first: Timestamp, staff: usize, days: usize) -> Self {
        Self { first, staff, days, so_far: 0 }
    }

    /// Books the next free time. They go round the staff and the days, so that no
    /// day sheet is long.
    pub(super) fn book_next(&mut self) -> String {
        let (round, person) = (self.so_far / self.staff, self.so_far % self.staff);
        let (time, day) = (round / self.days, round % self.days);
        let half_hours = i32::try_from(day * TIMES_A_DAY + time).unwrap_or(i32::MAX);
        let start = self.first + SignedDuration::from_mins(30) * half_hours;
        self.book("cut", &format!("s{person}"), start)
    }

    /// Books a certain time, as the next visitor.
    pub(super) fn book(&mut self, service: &str, staff: &str, start: Timestamp) -> String {
        let number = self.so_far;
        self.so_far += 1;
        let body = json!({
            "serviceId": service,
            "staffId": staff,
            "start": start.to_string(),
            "clientName": format!("Visitor {number}"),
            "clientPhone": format!("+1206{:07}", 2_000_000 + number),
            "clientEmail": format!("visitor{number}@example.com"),
        });
        let [_, high, middle, low] = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        of_browser(GatewayEvent::new("POST", "/checkout"))
            .header("content-type", "application/json")
            .header("idempotency-key", &format!("visitor-{number:032x}"))
            .source(&format!("10.{high}.{middle}.{low}"))
            .body(&body.to_string())
            .json()
    }
}

/// Looks at the open time.
pub(super) fn look() -> String {
    of_browser(GatewayEvent::new("GET", "/availability")).json()
}

/// Pays a deposit that reserves nothing.
pub(super) fn pay_bare_deposit() -> String {
    of_browser(GatewayEvent::new("POST", "/checkout")).json()
}

/// Delivers what Stripe says, signed at `at`.
pub(super) fn told_by_stripe(body: &str, at: Timestamp) -> String {
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
        .json()
}

/// Adds the headers that a browser and the gateway send.
fn of_browser(event: GatewayEvent) -> GatewayEvent {
    event
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
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-forwarded-port", "443")
        .header("x-forwarded-proto", "https")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn no_two_visitors_share_a_time_a_key_or_an_address() {
        let first = "2026-11-25T08:00:00Z".parse().unwrap();
        let mut visitors = Visitors::new(first, 3, 2);
        let all = 3 * 2 * TIMES_A_DAY;
        let mut seen = HashSet::new();
        for _ in 0..all {
            let event: Value = serde_json::from_str(&visitors.book_next()).unwrap();
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            seen.insert(format!("{} {}", body["staffId"], body["start"]));
            seen.insert(event["headers"]["idempotency-key"].to_string());
            seen.insert(event["requestContext"]["http"]["sourceIp"].to_string());
            seen.insert(body["clientPhone"].to_string());
        }
        assert_eq!(seen.len(), 4 * all);
    }
}
