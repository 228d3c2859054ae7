//! What a month costs.

use serde::Serialize;

use super::prices::{
    ALARMS, API_REQUESTS, BACKUP, COMPUTE, DATA_OUT, INVOCATIONS, LOGS, MAILS, METRICS, Price,
    READS, STORAGE, WRITES,
};
use super::simulation::Counts;
use super::times::{MEMORY_MB, PEOPLE};
use super::visit::{Asked, CANCELS, Function, PAYS};

/// How many days the month has.
pub const DAYS: f64 = 30.0;

/// Mails about a paid booking: to the visitor, to the owner, and the reminder.
const MAILS_A_BOOKING: f64 = 3.0;
/// Mails about a cancellation: to both, and that the money is back.
const MAILS_A_CANCELLATION: f64 = 3.0;
/// Milliseconds in which `notify` tells of one change: mails and calendar entry,
/// one after the other.
const NOTIFY_MS: f64 = 600.0;
/// Write units of one effect's marker: claimed, and done.
const MARKER_WRITES: f64 = 2.0;
/// Runs of `reconcile` a day: `rate(2 minutes)` in `template.yaml`.
const RECONCILIATIONS: f64 = 720.0;
/// Runs of `notify` for reminders a day: `rate(1 hour)`.
const REMINDER_RUNS: f64 = 24.0;
/// Milliseconds of one of these.
const RUN_MS: f64 = 30.0;
/// Bytes kept of a booking: itself, its entry, its markers.
const BOOKING_BYTES: f64 = 3_500.0;
/// Days for which it is kept: `retention_days` of `salon.toml`.
const RETENTION: f64 = 400.0;
/// Bytes of a line in the API's access log.
const ACCESS_LINE: f64 = 330.0;
/// Bytes that Lambda itself writes of an invocation: `platform.start` and
/// `platform.report`.
const PLATFORM_LINES: f64 = 700.0;
/// Bytes that a function writes of a request, its metrics included, unless the
/// container had the answer.
const OWN_LINES: f64 = 1_100.0;
/// Alarms in `template.yaml`.
const ALARM_COUNT: f64 = 14.0;
/// Metrics that the functions write: `docs/operations.md`.
const METRIC_COUNT: f64 = 16.0;
const GB: f64 = 1e9;

/// A month's bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    /// What it is made of.
    pub lines: Vec<Line>,
}

/// One thing that is paid for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What it costs.
    pub price: Price,
    /// How many there are in a month.
    pub quantity: f64,
    /// Whether that is so whatever the visits.
    pub is_fixed: bool,
}

impl Line {
    /// Returns its price, in dollars.
    #[must_use]
    pub fn dollars(&self) -> f64 {
        self.price.of(self.quantity)
    }

    /// Returns its price where the account's lasting free tier has nothing else
    /// to pay for, in dollars.
    #[must_use]
    pub fn dollars_after_free_tier(&self) -> f64 {
        self.price.of((self.quantity - self.price.free).max(0.0))
    }
}

impl Bill {
    /// Makes the bill of a month of days like the one that was counted.
    pub(super) fn new(day: &Counts) -> Self {
        let of = |asked: Asked| day.requests[asked as usize];
        let requests: f64 = day.requests.iter().sum();
        let booked = of(Asked::Checkout) * PAYS;
        let cancelled = booked * CANCELS;
        // A booking is told of once, a cancellation twice: that, and the refund.
        let told = booked + 2.0 * cancelled;
        let mails = MAILS_A_BOOKING * booked + MAILS_A_CANCELLATION * cancelled;
        let effects = mails + booked + cancelled;
        let runs = RECONCILIATIONS + REMINDER_RUNS;
        let invocations = requests + told + runs;
        let milliseconds = day.billed_ms.iter().sum::<f64>() + told * NOTIFY_MS + runs * RUN_MS;
        let own_lines = day.misses + invocations - day.invocations(Function::Availability);
        let log = requests * ACCESS_LINE + invocations * PLATFORM_LINES + own_lines * OWN_LINES;
        let out: f64 = Asked::ALL.into_iter().map(|asked| of(asked) * asked.response_bytes()).sum();
        let stored = of(Asked::Checkout) * BOOKING_BYTES * RETENTION / GB;
        let reads =
            day.read_units + RECONCILIATIONS * 0.5 + REMINDER_RUNS * f64::from(PEOPLE) + effects;
        let writes = day.write_units + effects * MARKER_WRITES;
        let lines = [
            (API_REQUESTS, requests * DAYS),
            (INVOCATIONS, invocations * DAYS),
            (COMPUTE, milliseconds / 1000.0 * MEMORY_MB / 1024.0 * DAYS),
            (READS, reads * DAYS),
            (WRITES, writes * DAYS),
            (STORAGE, stored),
            (BACKUP, stored),
            (LOGS, log / GB * DAYS),
            (DATA_OUT, out / GB * DAYS),
            (MAILS, mails * DAYS),
            (METRICS, METRIC_COUNT),
            (ALARMS, ALARM_COUNT),
        ];
        let fixed = [METRICS, ALARMS];
        let line = |(price, quantity)| Line { price, quantity, is_fixed: fixed.contains(&price) };
        Self { lines: lines.map(line).into() }
    }

    /// Returns the sum of what is the same whatever the visits, in dollars.
    #[must_use]
    pub fn fixed_dollars(&self) -> f64 {
        self.lines.iter().filter(|line| line.is_fixed).map(Line::dollars).sum()
    }

    /// Returns the sum, in dollars.
    #[must_use]
    pub fn dollars(&self) -> f64 {
        self.lines.iter().map(Line::dollars).sum()
    }

    /// Returns the sum after the lasting free tier, in dollars.
    #[must_use]
    pub fn dollars_after_free_tier(&self) -> f64 {
        self.lines.iter().map(Line::dollars_after_free_tier).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../template.yaml");

    #[test]
    fn what_is_deployed_is_what_is_paid_for() {
        let alarms = TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count();
        assert_eq!(u32::try_from(alarms).map(f64::from), Ok(ALARM_COUNT));
        for expected in
            ["MemorySize: 256\n", "Architectures: [x86_64]", "rate(2 minutes)", "rate(1 hour)"]
        {
            assert!(TEMPLATE.contains(expected), "the cost model assumes {expected}");
        }
        assert!((MEMORY_MB - 256.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nobodys_visits_cost_what_runs_by_itself() {
        let bill = Bill::new(&Counts::default());
        let (list, free) = (bill.dollars(), bill.dollars_after_free_tier());
        // Metrics and alarms, past the ten of each that are free.
        assert!((free - (6.0 * 0.30 + 4.0 * 0.10)).abs() < 0.02, "{free}");
        assert!(list < 7.0, "{list}");
    }
}
