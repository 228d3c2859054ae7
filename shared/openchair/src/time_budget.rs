//! The durations that depend on each other, and the order that they must keep.
//!
//! An inner timeout expires before the outer one, so that the outer code can still
//! respond. What follows from another duration is computed from it; the rest is
//! asserted when this module compiles. `docs/architecture.md` has the same list as a
//! table, and a test compares the two, and `template.yaml`, with this file.

use std::time::Duration;

use jiff::SignedDuration;
use salon::booking::TIME_TO_PAY;

// Around every request: API Gateway and Lambda.

/// API Gateway's limit for an HTTP API's request. It cannot be raised.
pub const GATEWAY_TIMEOUT: Duration = Duration::from_secs(30);
/// Lambda's limit for the initialization of a function.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// `Timeout` of the availability function.
pub const AVAILABILITY_TIMEOUT: Duration = Duration::from_secs(15);
/// `Timeout` of the checkout function.
pub const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(29);
/// `Timeout` of the webhook function.
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(25);
/// `Timeout` of the reconcile function.
pub const RECONCILE_TIMEOUT: Duration = Duration::from_mins(1);
/// `Timeout` of the notify function.
pub const NOTIFY_TIMEOUT: Duration = Duration::from_mins(2);

/// Time after which checkout answers 503 without waiting any longer. Whatever it has
/// written by then stays, and a repeated request or the schedule continues with it.
pub const CHECKOUT_DEADLINE: Duration = Duration::from_secs(25);
/// Time for availability's first snapshot, while the container starts.
pub const WARM_UP_TIMEOUT: Duration = Duration::from_secs(2);

const _: () = {
    assert!(before(CHECKOUT_DEADLINE, CHECKOUT_TIMEOUT), "503 is sent before Lambda stops it");
    assert!(before(CHECKOUT_TIMEOUT, GATEWAY_TIMEOUT), "Lambda reports a timeout before the API");
    assert!(before(WEBHOOK_TIMEOUT, GATEWAY_TIMEOUT), "Stripe gets an answer from us");
    assert!(before(AVAILABILITY_TIMEOUT, GATEWAY_TIMEOUT), "visitors get an answer from us");
    assert!(before(WARM_UP_TIMEOUT, INIT_TIMEOUT), "a slow table does not end the start");
};

// Connections.

/// Time to open a TCP connection. The services are some milliseconds away.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

const _: () = {
    assert!(before(CONNECT_TIMEOUT, AWS_ATTEMPT_TIMEOUT), "an attempt outlasts its connection");
    assert!(before(CONNECT_TIMEOUT, STRIPE_ATTEMPT_TIMEOUT), "an attempt outlasts its connection");
};

// AWS: the table, SES and SSM.

/// Time for one attempt at a request to AWS. The services answer in milliseconds.
pub const AWS_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a request to AWS, with all its attempts.
pub const AWS_TIMEOUT: Duration = Duration::from_secs(8);

const _: () = assert!(
    at_most(AWS_ATTEMPT_TIMEOUT.saturating_mul(2), AWS_TIMEOUT),
    "an attempt that hangs leaves time for another",
);

// Stripe.

/// Time for one attempt at a request to Stripe, connecting included. Stripe creates a
/// session in about half a second, so an attempt that takes this long hangs.
pub const STRIPE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a request to Stripe, with all its attempts and the pauses between them.
pub const STRIPE_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest life of a session that Stripe accepts
/// (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at>).
pub const STRIPE_SESSION_MINIMUM: SignedDuration = SignedDuration::from_mins(30);
/// A session's remaining life below which Stripe may refuse to create it.
pub const STRIPE_SESSION_MARGIN: SignedDuration =
    STRIPE_SESSION_MINIMUM.saturating_add(SignedDuration::from_mins(1));

const _: () = {
    assert!(
        at_most(STRIPE_ATTEMPT_TIMEOUT.saturating_mul(2), STRIPE_TIMEOUT),
        "an attempt that hangs leaves time for another",
    );
    let two_requests = STRIPE_TIMEOUT.saturating_mul(2);
    assert!(
        at_most(two_requests.saturating_add(CALENDAR_TIMEOUT), CHECKOUT_DEADLINE),
        "checkout can read the calendar, create a session, and read it",
    );
    assert!(
        at_most(two_requests.saturating_add(CALENDAR_TIMEOUT), WEBHOOK_TIMEOUT),
        "a late payment can read the calendar and call Stripe twice",
    );
    assert!(
        STRIPE_SESSION_MARGIN.as_secs() < TIME_TO_PAY.as_secs(),
        "a new session can be replayed for a few minutes",
    );
};

// Calendars.

/// Time to read all calendars of a staff member, in a request that waits for them.
pub const CALENDAR_TIMEOUT: Duration = Duration::from_secs(2);
/// The part of [`CALENDAR_TIMEOUT`] that the requests to the calendars have. The rest
/// is for what was read: an error of the calendar's says more than a timeout.
pub const CALENDAR_REQUESTS_TIMEOUT: Duration =
    CALENDAR_TIMEOUT.saturating_sub(Duration::from_millis(100));
/// Duration of a lease on a staff member's calendars: the read, and time to store it.
pub const CALENDAR_LEASE: SignedDuration =
    signed(CALENDAR_TIMEOUT.saturating_add(Duration::from_secs(2)));
/// Time that a container without a reading waits for the one that holds the lease.
pub const CALENDAR_WAIT: Duration = CALENDAR_TIMEOUT;
/// The polling interval of a waiting container.
pub const CALENDAR_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Time for which a calendar that failed is not read again, while there is no reading
/// of it to serve.
pub const CALENDAR_RETRY_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Time to write a booking into a Google calendar, with all attempts.
pub const CALENDAR_ENTRY_TIMEOUT: Duration = Duration::from_secs(8);

const _: () = {
    assert!(
        before(CALENDAR_POLL_INTERVAL, CALENDAR_WAIT),
        "a waiting container looks more than once"
    );
    assert!(
        CALENDAR_LEASE.as_secs() <= CALENDAR_RETRY_INTERVAL.as_secs(),
        "a failure is remembered for as long as the lease that it ends",
    );
    let slowest = CALENDAR_TIMEOUT.saturating_add(CALENDAR_WAIT).saturating_add(AWS_TIMEOUT);
    assert!(
        before(slowest, AVAILABILITY_TIMEOUT),
        "availability can read, wait, and meet a table that does not answer",
    );
};

// Availability's snapshots.

/// Time for which a snapshot answers requests. Its pages' `max-age` is the same.
pub const SNAPSHOT_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// Age of a snapshot that still answers `Cache-Control: no-cache`.
pub const SNAPSHOT_CURRENT: SignedDuration = SignedDuration::from_secs(1);
/// Time for which a failure to read the table answers requests, so that those which
/// waited for it do not each try in turn.
pub const SNAPSHOT_FAILURE: SignedDuration = SignedDuration::from_secs(1);

// Reconcile.

/// Time between two runs of reconcile (`Schedule` in `template.yaml`).
pub const RECONCILE_INTERVAL: Duration = Duration::from_mins(2);
/// The part of a run's time in which it starts with another booking. The rest is for
/// the last one.
pub const RECONCILE_START_SHARE: u32 = 2;

const _: () = {
    let rest = RECONCILE_TIMEOUT.checked_div(RECONCILE_START_SHARE);
    assert!(
        at_most(STRIPE_TIMEOUT.saturating_mul(3), rest.expect("a share is not zero")),
        "the last booking of a run can make three slow requests to Stripe",
    );
    assert!(at_most(RECONCILE_TIMEOUT, RECONCILE_INTERVAL), "runs do not overlap");
};

// Notify.

/// Duration of a claim on an effect: longer than the effect itself may take.
///
/// A calendar entry reads its booking first, and with a slow table may outlast its
/// claim. Google knows the entry by the booking's id, so making it twice does no harm.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(15);
/// Time that notify waits before it reports a record that may succeed later. A claim
/// that a crash left behind is over by then.
pub const NOTIFY_PAUSE: Duration = CLAIM.unsigned_abs();
/// Time before the end of a run at which notify stops starting reminders.
///
/// It covers three slow requests. A reminder makes four: one that is cut off before
/// its marker is written may be sent again, and is then logged as repeated.
pub const REMINDER_RESERVE: SignedDuration = SignedDuration::from_secs(25);
/// Time for which DynamoDB keeps a stream's records.
pub const STREAM_RETENTION: SignedDuration = SignedDuration::from_hours(24);
/// Time after the appointment for which the marker of an effect is kept.
pub const MARKER_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

const _: () = {
    assert!(
        STREAM_RETENTION.as_secs() < MARKER_LIFETIME.as_secs(),
        "a record that comes again finds its marker",
    );
    assert!(before(AWS_TIMEOUT, CLAIM.unsigned_abs()), "a mail is sent within its claim");
    assert!(
        before(CALENDAR_ENTRY_TIMEOUT, CLAIM.unsigned_abs()),
        "an entry is made within its claim"
    );
    assert!(
        at_most(AWS_TIMEOUT.saturating_mul(3), REMINDER_RESERVE.unsigned_abs()),
        "a reminder that has been started can make three slow requests",
    );
    let last_reminder = REMINDER_RESERVE.unsigned_abs();
    assert!(before(last_reminder, NOTIFY_TIMEOUT), "a run has time for reminders");
    assert!(before(NOTIFY_PAUSE, NOTIFY_TIMEOUT), "a run has time for its records");
};

const fn before(inner: Duration, outer: Duration) -> bool {
    inner.as_millis() < outer.as_millis()
}

const fn at_most(inner: Duration, outer: Duration) -> bool {
    inner.as_millis() <= outer.as_millis()
}

#[expect(clippy::cast_possible_truncation, reason = "these are seconds, not centuries")]
const fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::from_millis(duration.as_millis() as i64)
}
