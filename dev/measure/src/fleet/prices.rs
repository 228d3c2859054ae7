//! What AWS charges, by the month: published prices, US East (N. Virginia).
//!
//! Checked in November 2026 against stored copies: Lambda's, the HTTP API's and
//! CloudWatch's free tier against AWS's own pages, the rest against articles that
//! quote them (DynamoDB's as halved in November 2024, the logs' tiers as announced
//! in May 2025). A region, a contract or a year may say otherwise: the figures are
//! here once, to be put right.

use serde::Serialize;

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// What is counted.
    pub what: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    /// Up to how many, and dollars for each; the last has no end.
    #[serde(skip)]
    pub tiers: &'static [(f64, f64)],
    /// How many an account has for nothing, for good.
    pub free: f64,
    /// Where it is published.
    pub source: &'static str,
}

const M: f64 = 1e6;
const TB: f64 = 1000.0;
/// For the price that all the rest has.
const REST: f64 = f64::INFINITY;

const LAMBDA: &str = "https://aws.amazon.com/lambda/pricing/";
const API: &str = "https://aws.amazon.com/api-gateway/pricing/";
const TABLE: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const TRANSFER: &str = "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer";
const MAIL: &str = "https://aws.amazon.com/ses/pricing/";

/// Requests to the HTTP API. Its free million lasts a year, so it is none here.
pub(super) const API_REQUESTS: Price = Price {
    what: "API Gateway, HTTP API",
    unit: "requests",
    tiers: &[(300.0 * M, 1.00 / M), (REST, 0.90 / M)],
    free: 0.0,
    source: API,
};
/// Invocations.
pub(super) const INVOCATIONS: Price = Price {
    what: "Lambda, requests",
    unit: "requests",
    tiers: &[(REST, 0.20 / M)],
    free: M,
    source: LAMBDA,
};
/// Compute of `Architectures: [x86_64]`; on arm64 it is 0.0000133334.
pub(super) const COMPUTE: Price = Price {
    what: "Lambda, x86 compute",
    unit: "GB-s",
    tiers: &[(6e9, 0.000_016_666_7), (15e9, 0.000_015), (REST, 0.000_013_333_4)],
    free: 400_000.0,
    source: LAMBDA,
};
/// Read request units, halved in November 2024.
pub(super) const READS: Price = Price {
    what: "DynamoDB, read units",
    unit: "units",
    tiers: &[(REST, 0.125 / M)],
    free: 0.0,
    source: TABLE,
};
/// Write request units, halved in November 2024. Lambda's reads of the stream
/// cost nothing.
pub(super) const WRITES: Price = Price {
    what: "DynamoDB, write units",
    unit: "units",
    tiers: &[(REST, 0.625 / M)],
    free: 0.0,
    source: TABLE,
};
/// What is kept in the table.
pub(super) const STORAGE: Price = Price {
    what: "DynamoDB, storage",
    unit: "GB",
    tiers: &[(REST, 0.25)],
    free: 25.0,
    source: TABLE,
};
/// Point-in-time recovery.
pub(super) const BACKUP: Price = Price {
    what: "DynamoDB, backup",
    unit: "GB",
    tiers: &[(REST, 0.20)],
    free: 0.0,
    source: TABLE,
};
/// Log lines taken in, at the tiers that Lambda's and the API's logs have.
pub(super) const LOGS: Price = Price {
    what: "CloudWatch, logs taken in",
    unit: "GB",
    tiers: &[(10.0 * TB, 0.50), (30.0 * TB, 0.25), (50.0 * TB, 0.10), (REST, 0.05)],
    free: 5.0,
    source: CLOUDWATCH,
};
/// Metrics that the functions write.
pub(super) const METRICS: Price = Price {
    what: "CloudWatch, metrics",
    unit: "metrics",
    tiers: &[(REST, 0.30)],
    free: 10.0,
    source: CLOUDWATCH,
};
/// Alarms.
pub(super) const ALARMS: Price = Price {
    what: "CloudWatch, alarms",
    unit: "alarms",
    tiers: &[(REST, 0.10)],
    free: 10.0,
    source: CLOUDWATCH,
};
/// Answers, on their way to browsers.
pub(super) const DATA_OUT: Price = Price {
    what: "data out",
    unit: "GB",
    tiers: &[(10.0 * TB, 0.09), (50.0 * TB, 0.085), (150.0 * TB, 0.07), (REST, 0.05)],
    free: 100.0,
    source: TRANSFER,
};
/// Mails.
pub(super) const MAILS: Price = Price {
    what: "SES, mails",
    unit: "mails",
    tiers: &[(REST, 0.10 / 1000.0)],
    free: 0.0,
    source: MAIL,
};

impl Price {
    /// Returns what so many cost, in dollars.
    #[must_use]
    pub fn of(&self, quantity: f64) -> f64 {
        let mut from = 0.0;
        let mut dollars = 0.0;
        for (to, each) in self.tiers {
            dollars += (quantity.min(*to) - from).max(0.0) * each;
            from = *to;
        }
        dollars
    }

    /// Returns what the first of them costs, in dollars.
    #[must_use]
    pub fn each(&self) -> f64 {
        self.tiers.first().map_or(0.0, |(_, each)| *each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_has_its_own_price() {
        for (quantity, dollars) in [
            (0.0, 0.0),
            (1.0 * M, 1.0),
            (300.0 * M, 300.0),
            (310.0 * M, 309.0),
            (8400.0 * M, 300.0 + 8100.0 * 0.9),
        ] {
            let is = API_REQUESTS.of(quantity);
            assert!((is - dollars).abs() < 1e-6, "{quantity}: {is}, not {dollars}");
        }
    }
}
