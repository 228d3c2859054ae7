//! The bars of a load test.

use crate::bar::{Bar, Limit};

/// The numbers of clients that this machine can serve.
const SERVED_CLIENTS: &[&str] = &["1", "2", "4", "8", "16", "32"];
const FUNCTIONS: &[&str] = &["availability", "checkout"];

pub(crate) const BARS: &[Bar] = &[
    Bar {
        scenario: "availability by connections",
        subjects: &["8"],
        figure: "requests/s",
        limit: Limit::RatioAtLeast(0.95),
        reason: "the bill, as for the warm p50 of one process",
    },
    Bar {
        scenario: "checkout by clients",
        subjects: SERVED_CLIENTS,
        figure: "p50, ms",
        limit: Limit::AtMost(515.0),
        reason: "a visitor who waits for the payment page: 500 ms of it are Stripe's",
    },
    Bar {
        scenario: "checkout by clients",
        subjects: SERVED_CLIENTS,
        figure: "answers other than 201",
        limit: Limit::AtMost(0.0),
        reason: "the same visitor, and the figure above",
    },
    Bar {
        scenario: "checkout by clients",
        subjects: SERVED_CLIENTS,
        figure: "clients without a container",
        limit: Limit::AtMost(0.0),
        reason: "the figure above: on Lambda nobody waits for a container",
    },
    Bar {
        scenario: "limit: visitors",
        subjects: &["checkout"],
        figure: "sessions, % of Stripe's limit",
        limit: Limit::AtLeast(95.0),
        reason: "a salon in a rush: retries must not waste what Stripe allows",
    },
    Bar {
        scenario: "limit: visitors",
        subjects: &["checkout"],
        figure: "answers without a next step",
        limit: Limit::AtMost(0.0),
        reason: "a visitor who has to know when to come back: 429 or 503 with Retry-After, no 500",
    },
    Bar {
        scenario: "crowd: visitors",
        subjects: &["crowd"],
        figure: "failures",
        limit: Limit::AtMost(0.0),
        reason: "a visitor on the day when the salon's times go on sale: no 5xx except stripe_busy",
    },
    Bar {
        scenario: "crowd: visitors",
        subjects: &["crowd"],
        figure: "booked",
        limit: Limit::AtLeast(1.0),
        reason: "the salon, which has free times",
    },
    Bar {
        scenario: "crowd: visitors",
        subjects: &["crowd"],
        figure: "holds beyond booked and gave up",
        limit: Limit::AtMost(0.0),
        reason: "the salon, whose chairs stay empty behind a hold that nobody can pay",
    },
    Bar {
        scenario: "audit",
        subjects: &["limit", "crowd"],
        figure: "contradictions",
        limit: Limit::AtMost(0.0),
        reason: "everyone: a paid time must not be sold twice",
    },
    Bar {
        scenario: "soak",
        subjects: FUNCTIONS,
        figure: "growth beyond the empty function's, KiB",
        limit: Limit::AtMost(256.0),
        reason: "a container that lives for hours; an allocator takes some pages",
    },
    Bar {
        scenario: "soak",
        subjects: FUNCTIONS,
        figure: "descriptors gained",
        limit: Limit::AtMost(0.99),
        reason: "a container that lives for hours: Lambda allows 1,024 descriptors",
    },
];
