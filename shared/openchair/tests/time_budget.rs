//! Compares the time budget with the places that repeat it: `template.yaml` and the
//! table in `docs/architecture.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use openchair::time_budget as budget;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const ARCHITECTURE: &str = include_str!("../../../docs/architecture.md");
const SOURCE: &str = include_str!("../src/time_budget.rs");

/// Names each constant with its value in milliseconds.
macro_rules! milliseconds {
    ($($name:ident),* $(,)?) => {
        BTreeMap::from([$((stringify!($name), budget::$name.as_millis().to_string())),*])
    };
}

fn durations() -> BTreeMap<&'static str, String> {
    milliseconds![
        AVAILABILITY_TIMEOUT,
        AWS_ATTEMPT_TIMEOUT,
        AWS_TIMEOUT,
        CALENDAR_ENTRY_TIMEOUT,
        CALENDAR_LEASE,
        CALENDAR_POLL_INTERVAL,
        CALENDAR_REQUESTS_TIMEOUT,
        CALENDAR_RETRY_INTERVAL,
        CALENDAR_TIMEOUT,
        CALENDAR_WAIT,
        CHECKOUT_DEADLINE,
        CHECKOUT_TIMEOUT,
        CLAIM,
        CONNECT_TIMEOUT,
        GATEWAY_TIMEOUT,
        INIT_TIMEOUT,
        MARKER_LIFETIME,
        NOTIFY_PAUSE,
        NOTIFY_TIMEOUT,
        RECONCILE_INTERVAL,
        RECONCILE_TIMEOUT,
        REMINDER_RESERVE,
        SNAPSHOT_CURRENT,
        SNAPSHOT_FAILURE,
        SNAPSHOT_LIFETIME,
        STREAM_RETENTION,
        STRIPE_ATTEMPT_TIMEOUT,
        STRIPE_SESSION_MARGIN,
        STRIPE_SESSION_MINIMUM,
        STRIPE_TIMEOUT,
        WARM_UP_TIMEOUT,
        WEBHOOK_TIMEOUT,
    ]
}

/// Returns a resource's lines of the template.
fn resource(name: &str) -> impl Iterator<Item = &'static str> {
    let heading = format!("  {name}:");
    let mut lines = TEMPLATE.lines().skip_while(move |line| *line != heading);
    assert!(lines.next().is_some(), "template.yaml has no resource {name}");
    lines.take_while(|line| line.is_empty() || line.starts_with("   "))
}

#[test]
fn the_functions_timeouts_are_those_of_the_template() {
    let functions = [
        ("AvailabilityFunction", budget::AVAILABILITY_TIMEOUT),
        ("CheckoutFunction", budget::CHECKOUT_TIMEOUT),
        ("WebhookFunction", budget::WEBHOOK_TIMEOUT),
        ("ReconcileFunction", budget::RECONCILE_TIMEOUT),
        ("NotifyFunction", budget::NOTIFY_TIMEOUT),
    ];
    for (function, expected) in functions {
        let timeout = resource(function)
            .find_map(|line| line.strip_prefix("      Timeout: "))
            .unwrap_or_else(|| panic!("{function} has no Timeout in template.yaml"));
        let timeout = timeout.parse().map(Duration::from_secs);
        assert_eq!(timeout, Ok(expected), "Timeout of {function} in template.yaml");
    }
    let timeouts = TEMPLATE.lines().filter(|line| line.trim_start().starts_with("Timeout:"));
    assert_eq!(timeouts.count(), functions.len(), "each Timeout in template.yaml is compared");
}

#[test]
fn reconcile_runs_as_often_as_the_template_says() {
    let minutes = budget::RECONCILE_INTERVAL.as_secs() / 60;
    let schedule = format!("Schedule: rate({minutes} minutes)");
    let is_there = resource("ReconcileFunction").any(|line| line.trim() == schedule);
    assert!(is_there, "ReconcileFunction in template.yaml should have `{schedule}`");
}

#[test]
fn every_duration_is_in_the_architecture_table() {
    let documented: BTreeMap<&str, String> = ARCHITECTURE
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((name, milliseconds(rest.split_once(" |")?.0)?))
        })
        .collect();
    assert_eq!(durations(), documented, "docs/architecture.md, \"Time budget\", in milliseconds");
}

#[test]
fn every_duration_of_the_budget_is_compared() {
    let declared: Vec<&str> = SOURCE
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": "))
        .filter(|(_, rest)| rest.starts_with("Duration") || rest.starts_with("SignedDuration"))
        .map(|(name, _)| name)
        .collect();
    let compared = durations();
    for name in &declared {
        assert!(compared.contains_key(name), "{name} should be in the list of this test");
    }
    assert_eq!(declared.len(), compared.len());
}

/// Reads a duration such as `1.9 s`, and returns its milliseconds.
fn milliseconds(text: &str) -> Option<String> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = whole.parse::<u64>().ok()? * 10 + tenths.parse::<u64>().ok()?;
    Some((tenths * unit / 10).to_string())
}
