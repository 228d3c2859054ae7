//! How long the functions take on Lambda, and what they ask of the table.

use serde::Serialize;

use super::prices::{COMPUTE, INVOCATIONS};
use super::visit::{Asked, Function};
use crate::bench::results::{Figure, Results, Target};

/// The memory of each function in MB: `MemorySize` in `template.yaml`.
pub const MEMORY_MB: f64 = 256.0;
/// The memory in MB with which a function has a whole vCPU:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
pub const WHOLE_CPU_MB: f64 = 1769.0;
/// How many seconds Lambda takes to make a container ready for the program: the
/// micro-VM and the zip. It is not billed, and nothing here measures it; reports
/// of small custom runtimes say 50 to 200 ms.
pub const ENVIRONMENT: f64 = 0.15;
/// How many seconds a container is kept after its last request. AWS promises
/// nothing; observers report five to ten minutes.
pub const KEPT: f64 = 360.0;
/// How many people the salon has, each with a calendar.
pub const PEOPLE: u32 = 3;

/// How many seconds a read of the table takes: DynamoDB's "single-digit
/// milliseconds".
const TABLE_READ: f64 = 0.005;
/// How many seconds a transaction takes.
const TRANSACTION: f64 = 0.012;
/// How many seconds the first connection to the table takes, with TLS.
const CONNECTION: f64 = 0.02;
/// How many seconds the secrets take to be read in Init.
const SECRETS: f64 = 0.04;
/// How many seconds Stripe takes.
const STRIPE: f64 = 0.5;
/// How many seconds a calendar takes.
pub(super) const CALENDAR: f64 = 0.25;

/// What this machine measured of the functions, with a whole CPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// Whether `docs/load-testing/bench.json` says so; otherwise it is a guess.
    pub is_measured: bool,
    /// From its start until a function asks for its first event, in milliseconds,
    /// in the order of [`Function::ALL`].
    pub init_ms: [f64; 3],
    /// An answer that the container has, in milliseconds.
    pub hit_ms: f64,
    /// An answer that is computed from the table, in milliseconds.
    pub table_ms: f64,
    /// A checkout with a body, in milliseconds.
    pub checkout_ms: f64,
    /// An event, in milliseconds.
    pub webhook_ms: f64,
}

impl Measured {
    /// What is assumed while nothing has been measured.
    #[must_use]
    pub const fn assumed() -> Self {
        Self {
            is_measured: false,
            init_ms: [5.0, 7.0, 7.0],
            hit_ms: 0.15,
            table_ms: 1.5,
            checkout_ms: 3.0,
            webhook_ms: 2.0,
        }
    }

    /// What a bench has measured. What it lacks is assumed.
    #[must_use]
    pub fn of(bench: &Results) -> Self {
        let assumed = Self::assumed();
        let figure = |target, figure: Figure| {
            bench.of(target).and_then(|measured| measured.figures.get(&figure)).map(|it| it.median)
        };
        let init = |target| figure(target, Figure::StartToFirstPollMs);
        let warm = |target| figure(target, Figure::WarmP50Us).map(|us| us / 1000.0);
        let targets = [Target::AvailabilityL1, Target::CheckoutBody, Target::Webhook];
        let inits = targets.map(init);
        let warms = [
            warm(Target::AvailabilityL1),
            warm(Target::AvailabilityL2),
            warm(Target::CheckoutBody),
            warm(Target::Webhook),
        ];
        let [hit, table, checkout, webhook] = warms;
        Self {
            is_measured: inits.iter().chain(&warms).all(Option::is_some),
            init_ms: [0, 1, 2].map(|index| inits[index].unwrap_or(assumed.init_ms[index])),
            hit_ms: hit.unwrap_or(assumed.hit_ms),
            table_ms: table.unwrap_or(assumed.table_ms),
            checkout_ms: checkout.unwrap_or(assumed.checkout_ms),
            webhook_ms: webhook.unwrap_or(assumed.webhook_ms),
        }
    }
}

/// How long things take on Lambda, in seconds: what was measured, at the share
/// of a CPU that the memory buys, and the waits that are not ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Init, which has a whole CPU, in the order of [`Function::ALL`].
    init: [f64; 3],
    hit: f64,
    table: f64,
    checkout: f64,
    webhook: f64,
}

impl Times {
    pub(super) fn new(measured: &Measured) -> Self {
        Self::with_memory(measured, MEMORY_MB)
    }

    fn with_memory(measured: &Measured, mb: f64) -> Self {
        let on_lambda = |ms: f64| ms / 1000.0 * WHOLE_CPU_MB / mb.min(WHOLE_CPU_MB);
        let [availability, checkout, webhook] = measured.init_ms.map(|ms| ms / 1000.0 + SECRETS);
        Self {
            // Its first snapshot is taken there.
            init: [availability + CONNECTION + TABLE_READ, checkout, webhook],
            hit: on_lambda(measured.hit_ms),
            table: on_lambda(measured.table_ms) + TABLE_READ,
            checkout: on_lambda(measured.checkout_ms) + TABLE_READ + 2.0 * TRANSACTION + STRIPE,
            webhook: on_lambda(measured.webhook_ms) + TABLE_READ + TRANSACTION,
        }
    }

    /// Returns how long a function starts, once it has a container.
    pub(super) const fn init(&self, function: Function) -> f64 {
        self.init[function.index()]
    }

    /// Returns how long an answer takes that finds what it needs in the
    /// container, where there is such an answer.
    pub(super) const fn answer(&self, asked: Asked) -> f64 {
        match asked {
            Asked::OpenTime | Asked::Menu | Asked::Starts => self.hit,
            Asked::Checkout => self.checkout,
            Asked::Look => self.hit + TABLE_READ,
            // A session or a payment is looked up, and a refund made.
            Asked::Cancel => self.checkout + STRIPE,
            Asked::Event => self.webhook,
        }
    }

    /// Returns how much longer an answer takes that needs a new snapshot.
    pub(super) const fn snapshot(&self) -> f64 {
        self.table - self.hit
    }

    /// Returns how long calendars take to be read: a lease, the reading, and
    /// keeping it.
    pub(super) const fn reading() -> f64 {
        CALENDAR + 2.0 * TABLE_READ
    }

    /// Returns how long a try at a day sheet takes: reading it, and the
    /// transaction.
    pub(super) const fn attempt() -> f64 {
        TABLE_READ + TRANSACTION
    }
}

/// What a size of memory makes of the functions, alone with their requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemorySize {
    /// The memory, in MB.
    pub mb: f64,
    /// How long an answer takes that the container has, in milliseconds.
    pub hit_ms: f64,
    /// What a million of them cost at Lambda, in dollars.
    pub hit_dollars: f64,
    /// How long a checkout with a body takes, in milliseconds.
    pub checkout_ms: f64,
    /// What a million of them cost at Lambda, in dollars.
    pub checkout_dollars: f64,
}

impl MemorySize {
    pub(super) fn new(measured: &Measured, mb: f64) -> Self {
        let times = Times::with_memory(measured, mb);
        let [hit_ms, checkout_ms] =
            [Asked::OpenTime, Asked::Checkout].map(|asked| times.answer(asked) * 1000.0);
        // A million of so many milliseconds: billed by the whole one.
        let dollars =
            |ms: f64| INVOCATIONS.of(1e6) + COMPUTE.of(ms.ceil() / 1000.0 * mb / 1024.0 * 1e6);
        Self {
            mb,
            hit_ms,
            hit_dollars: dollars(hit_ms),
            checkout_ms,
            checkout_dollars: dollars(checkout_ms),
        }
    }
}

/// How fast a function is on Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnLambda {
    /// What is asked.
    pub asked: Asked,
    /// How long the answer takes, in milliseconds.
    pub answer_ms: f64,
    /// How many of them a container gives a second, one after the other.
    pub answers_a_second: f64,
    /// How much longer the first one takes, in milliseconds.
    pub cold_ms: f64,
}

impl OnLambda {
    pub(super) fn new(asked: Asked, times: &Times) -> Self {
        let answer = times.answer(asked);
        let cold = ENVIRONMENT + times.init(asked.function());
        let (answer_ms, cold_ms) = (answer * 1000.0, cold * 1000.0);
        Self { asked, answer_ms, answers_a_second: 1.0 / answer, cold_ms }
    }
}

/// Units of the table's throughput: a read unit is 4 KB read consistently or 8 KB
/// read eventually, a write unit 1 KB; a transaction takes twice as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Units {
    pub(super) reads: f64,
    pub(super) writes: f64,
}

/// A snapshot: of each person six weeks of day sheets (18 KB, eventually), and
/// the calendar item (6 KB, eventually).
pub(super) const fn snapshot_units(people: u32) -> Units {
    Units { reads: people as f64 * (2.5 + 1.0), writes: 0.0 }
}

/// A reading of somebody's calendars: the lease, and the reading, on an item of
/// 6 KB.
pub(super) const READING_UNITS: Units = Units { reads: 0.0, writes: 12.0 };

/// A lease that somebody else has: a write that is refused costs as much.
pub(super) const REFUSED_LEASE_UNITS: Units = Units { reads: 0.0, writes: 6.0 };

/// What a request asks of the table, apart from snapshots.
pub(super) const fn units(asked: Asked, people: u32) -> Units {
    match asked {
        Asked::OpenTime | Asked::Menu | Asked::Starts => Units { reads: 0.0, writes: 0.0 },
        // Read consistently: the day's sheets and the calendars of all, three
        // counts of holds, and the idempotency key. Written: the booking (2 KB),
        // the sheet, the counts and the key in a transaction; the session's id in
        // another; and the index with each.
        Asked::Checkout => Units { reads: people as f64 * 3.0 + 4.0, writes: 14.0 + 4.0 + 3.0 },
        Asked::Look => Units { reads: 1.0, writes: 0.0 },
        // The booking twice, once with its sheet, and the index.
        Asked::Cancel => Units { reads: 2.0, writes: 6.0 + 4.0 + 2.0 },
        // The booking, its sheet and the counts, and the index.
        Asked::Event => Units { reads: 2.0, writes: 12.0 + 1.0 },
    }
}
