//! What ends first as visits grow, and what an operator would do there.

use serde::Serialize;

use super::arrivals::peak;
use super::paper::erlang_b;
use super::times::{PEOPLE, Times};
use super::visit::{Asked, CHECKS_OUT, PAYS, requests_per_visit};
use crate::load_testing::figures::number;

/// Something of which there is only so much.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// What it is.
    pub what: &'static str,
    /// How much of it there is.
    pub amount: String,
    /// The visits a day at which the busiest hour reaches it.
    pub visits_a_day: f64,
    /// What happens there, and what an operator does.
    pub then: &'static str,
}

/// Requests/s of all routes: `DefaultRouteSettings` in `template.yaml`.
const API_RATE: f64 = 100.0;
/// Requests/s of `POST /checkout`: its `RouteSettings`.
const CHECKOUT_RATE: f64 = 10.0;
/// Requests/s that an account's APIs take in a region:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>.
const ACCOUNT_RATE: f64 = 10_000.0;
/// Requests/s that Stripe takes on an endpoint.
const STRIPE_RATE: f64 = 25.0;
/// Containers that an account's functions may have at work, new, and by default:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html>. Ten
/// requests/s for each of them is a limit too.
const CONCURRENCY: [f64; 2] = [10.0, 1_000.0];
/// Write units a second of one partition:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>.
const PARTITION_WRITES: f64 = 1_000.0;
/// Write units of a try at a day sheet, which are spent if it is refused too.
const SHEET_WRITES: f64 = 2.0;
/// Appointments that one person can have on a day.
const APPOINTMENTS: f64 = 9.0;

/// Lists the limits, the first to be reached first.
pub(super) fn limits(times: &Times) -> Vec<Limit> {
    let per_second = |rate: f64, per_visit: f64| rate / per_visit / peak() * 86_400.0;
    let people = f64::from(PEOPLE);
    let work: f64 =
        Asked::ALL.into_iter().map(|asked| asked.per_visit() * times.answer(asked)).sum();
    // So that of a thousand requests at the busiest hour one is refused.
    let concurrency = |containers: f64| {
        let at_work = offered_for(containers);
        per_second(at_work, work).min(per_second(10.0 * containers, requests_per_visit()))
    };
    let requests = |rate: f64| format!("{} requests/s", number(rate));
    let containers =
        |count: f64| format!("{} containers, {}", number(count), requests(10.0 * count));
    let mut limits = vec![
        Limit {
            what: "the salon's chairs",
            amount: format!("{:.0} appointments a day", people * APPOINTMENTS),
            visits_a_day: people * APPOINTMENTS / (CHECKS_OUT * PAYS),
            then: "The days fill up, and what is shown as free with them. More people. Past this, \
                   the figures are those of a site that is looked at more than booked, or of a \
                   chain, whose salons have a stack each.",
        },
        Limit {
            what: "a new account's concurrency",
            amount: containers(CONCURRENCY[0]),
            visits_a_day: concurrency(CONCURRENCY[0]),
            then: "Lambda refuses, the gateway answers 503, the alarms AvailabilityThrottles or \
                   CheckoutThrottles ring. Ask for the quota of 1,000 before opening: it is free.",
        },
        Limit {
            what: "the API's throttle",
            amount: requests(API_RATE),
            visits_a_day: per_second(API_RATE, requests_per_visit()),
            then: "429. It is ours, against floods: raise ThrottlingRateLimit in template.yaml. \
                   Before that, put a CDN in front: open times may be cached for a minute.",
        },
        Limit {
            what: "the throttle of POST /checkout",
            amount: requests(CHECKOUT_RATE),
            visits_a_day: per_second(CHECKOUT_RATE, CHECKS_OUT),
            then: "429. It is ours, below Stripe's limit: raise it once Stripe has raised theirs.",
        },
        Limit {
            what: "Stripe's limit of an endpoint",
            amount: requests(STRIPE_RATE),
            visits_a_day: per_second(STRIPE_RATE, CHECKS_OUT),
            then: "503 stripe_busy, with the hold kept. Stripe raises it on request; an account \
                   for each salon of a chain has a limit each.",
        },
        Limit {
            what: "tries at one day sheet, if all want the same day with the same person",
            amount: format!("{:.0} a second", 1.0 / Times::attempt()),
            visits_a_day: per_second(1.0 / Times::attempt(), CHECKS_OUT),
            then: "A writer whose try is overtaken tries again, 40 times in some 3 s; in those the \
                   sheet takes about 200 writes. A day has fewer times than that, and who finds \
                   theirs taken is told at once, so a crowd passes. Past it: 503. More people \
                   spread it, as each has sheets of their own.",
        },
        Limit {
            what: "write units of a person's partition",
            amount: format!("{} a second", number(PARTITION_WRITES)),
            visits_a_day: per_second(PARTITION_WRITES / SHEET_WRITES, CHECKS_OUT),
            then: "DynamoDB throttles, the SDK repeats, then 503. It comes after the one above.",
        },
        Limit {
            what: "an account's concurrency by default",
            amount: containers(CONCURRENCY[1]),
            visits_a_day: concurrency(CONCURRENCY[1]),
            then: "As with a new account's. AWS raises it on request. A crowd from nothing gets \
                   1,000 new containers in 10 s for each function, which is more than it needs.",
        },
        Limit {
            what: "an account's APIs",
            amount: requests(ACCOUNT_RATE),
            visits_a_day: per_second(ACCOUNT_RATE, requests_per_visit()),
            then: "429. AWS raises it on request; a CDN makes it needless.",
        },
    ];
    limits.sort_by(|one, other| one.visits_a_day.total_cmp(&other.visits_a_day));
    limits
}

/// Returns how much work can be offered to so many containers until one request
/// in a thousand finds none.
fn offered_for(containers: f64) -> f64 {
    let count = (1..=1_000_u32).find(|count| f64::from(*count) >= containers).unwrap_or(1_000);
    let (mut enough, mut too_much) = (0.0, containers);
    for _ in 0..50 {
        let middle = f64::midpoint(enough, too_much);
        if erlang_b(count, middle) < 0.001 {
            enough = middle;
        } else {
            too_much = middle;
        }
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_throttles_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        for (setting, rate) in
            [("DefaultRouteSettings:", API_RATE), ("PostCheckout:", CHECKOUT_RATE)]
        {
            let after = template.split_once(setting).map(|(_, after)| after);
            let value = after.and_then(|after| after.split_once("ThrottlingRateLimit: "));
            let value = value.and_then(|(_, value)| value.lines().next());
            assert_eq!(value.and_then(|value| value.parse().ok()), Some(rate), "{setting}");
        }
    }

    #[test]
    fn so_much_work_is_offered_that_one_request_in_a_thousand_finds_no_container() {
        let blocked = erlang_b(10, offered_for(10.0));
        assert!((blocked - 0.001).abs() < 1e-6, "{blocked}");
    }
}
