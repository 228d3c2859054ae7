//! The function that sends notifications, fed by the table's stream, and models of
//! the services that it calls.
//!
//! The stream has shards. As in Lambda, one batch of a shard is delivered at a time:
//! in order, again from the first record that failed, and again as a whole if the
//! delivery crashed or its answer was lost. Sometimes a record that has been
//! delivered is delivered once more on its own, as an operator might.
//!
//! Notifications have no effect on bookings, so a seed's bookings are the same with
//! and without them.
//!
//! What is left out: reminders, mails that SES never accepts, and records that are
//! given up after 21 attempts.

mod mail_and_calendars;
mod notification_invariants;
mod notification_log;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;
use notify::{NotifyEvent, NotifyResponse, ReminderError};

pub(super) use self::mail_and_calendars::MailAndCalendars;
use self::notification_invariants as invariants;
pub use self::notification_log::NotificationCounts;
pub(super) use self::notification_log::NotificationLog;
use self::notification_log::Record;
use super::decisions::Decisions;
use super::invariants::{Violation, violated};
use super::planted_bug::Bug;
use super::system::System;

const SHARDS: usize = 2;
/// How many records a batch has at most, as in `template.yaml`.
const BATCH: usize = 10;
/// How many deliveries run at the same time.
const DELIVERIES: usize = 3;
/// Fewer things than this are done for notifications at each step of a schedule.
const ACTIONS: usize = 8;
/// How long the function may run, as in `template.yaml`.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// Longer than an effect is claimed.
const AFTER_A_CLAIM: SignedDuration = SignedDuration::from_secs(16);
/// How old a confirmation may be and still be sent without a look at the booking.
const STILL_TRUE: SignedDuration = SignedDuration::from_mins(15);
/// How many times the rest of the stream is delivered in the end.
const ROUNDS: usize = 20;
/// After how many polls a delivery counts as endless.
const POLLS: usize = 2_000;

/// The stream and the deliveries of a schedule.
pub(super) struct Notifications<'s> {
    system: &'s System,
    decisions: &'s Decisions,
    /// How many records have been moved from the stream into its shards.
    read: usize,
    shards: [VecDeque<Arc<Record>>; SHARDS],
    deliveries: Vec<Delivery<'s>>,
    deliveries_begun: usize,
    pub(super) can_fail: bool,
}

struct Delivery<'s> {
    number: usize,
    /// The shard that waits for it. `None` is a delivery by an operator.
    shard: Option<usize>,
    batch: Vec<Arc<Record>>,
    future: Pin<Box<dyn Future<Output = Result<NotifyResponse, ReminderError>> + 's>>,
}

impl<'s> Notifications<'s> {
    pub(super) fn new(system: &'s System) -> Self {
        Self {
            system,
            decisions: &system.notification_decisions,
            read: 0,
            shards: Default::default(),
            deliveries: Vec::new(),
            deliveries_begun: 0,
            can_fail: true,
        }
    }

    fn log(&self) -> MutexGuard<'s, NotificationLog> {
        self.system.shared.log()
    }

    /// Adds a step to the trace.
    fn trace(&self, line: impl FnOnce() -> String) {
        self.system.shared.trace.step(line);
    }

    /// Makes some progress.
    pub(super) fn step(&mut self) {
        self.read_stream();
        for _ in 0..self.decisions.index(ACTIONS) {
            if self.is_idle() {
                return;
            }
            match self.decisions.byte(100) {
                0..80 if !self.deliveries.is_empty() => self.poll_any(),
                80..82 => self.deliver_again(),
                82 if self.can_fail => self.crash_any(),
                _ => self.deliver(self.decisions.index(SHARDS)),
            }
        }
    }

    /// Ends all deliveries, or lets them crash: each is over before its claims are.
    pub(super) fn end_deliveries(&mut self) -> Result<(), Violation> {
        for _ in 0..POLLS {
            if self.deliveries.is_empty() {
                return Ok(());
            }
            if self.can_fail && self.decisions.one_in(20) {
                self.crash_any();
            } else {
                self.poll_any();
            }
        }
        let number = self.deliveries[0].number;
        violated("every delivery of the stream ends", format!("delivery {number} does not end"))
    }

    /// Delivers the rest of the stream and checks what was sent. In every fourth
    /// schedule, as this takes long, it also checks that records which come again
    /// send nothing.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        self.deliver_all()?;
        self.check_end()?;
        if !self.decisions.one_in(4) {
            return Ok(());
        }

        let mails = self.log().mails.clone();
        let mut again = self.log().records.clone();
        self.decisions.shuffle(&mut again);
        self.trace(|| "all of the stream is delivered again".to_owned());
        for record in again {
            self.begin(None, vec![record]);
            self.end_deliveries()?;
        }
        let is_new = |(key, mail): &(&_, &_)| mails.get(*key) != Some(*mail);
        let sent = self.log().mails.iter().filter(is_new).count();
        if sent > 0 {
            let details = format!("{sent} mails were sent again");
            return violated("records that come again send nothing", details);
        }
        self.check_end()
    }

    fn deliver_all(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS {
            self.end_deliveries()?;
            self.read_stream();
            for shard in 0..SHARDS {
                self.deliver(shard);
                self.end_deliveries()?;
            }
            if self.is_idle() {
                return Ok(());
            }
            self.system.shared.clock.advance(AFTER_A_CLAIM);
        }
        let waiting: usize = self.shards.iter().map(VecDeque::len).sum();
        violated(
            "every record of the stream is handled",
            format!("{waiting} records are never handled"),
        )
    }

    fn check_end(&self) -> Result<(), Violation> {
        self.system.table.inspect(|contents| invariants::check(contents, &self.log()))
    }

    fn is_idle(&self) -> bool {
        self.deliveries.is_empty() && self.shards.iter().all(VecDeque::is_empty)
    }

    /// Moves the new records of the stream into its shards: all of a booking into
    /// the same.
    fn read_stream(&mut self) {
        let log = self.log();
        for record in &log.records[self.read..] {
            let shard = usize::from(record.booking.as_str().as_bytes()[0]) % SHARDS;
            self.shards[shard].push_back(Arc::clone(record));
        }
        self.read = log.records.len();
    }

    /// Delivers a batch of a shard, unless one is being delivered.
    fn deliver(&mut self, shard: usize) {
        let waiting = self.shards[shard].len().min(BATCH);
        let is_busy = self.deliveries.iter().any(|delivery| delivery.shard == Some(shard));
        if waiting == 0 || is_busy || self.deliveries.len() >= DELIVERIES {
            return;
        }
        let size = 1 + self.decisions.index(waiting);
        let batch = self.shards[shard].iter().take(size).cloned().collect();
        self.begin(Some(shard), batch);
    }

    /// Delivers a record again that has been delivered or is being delivered.
    fn deliver_again(&mut self) {
        if self.read == 0 || self.deliveries.len() >= DELIVERIES {
            return;
        }
        let index = self.decisions.index(self.read);
        let record = Arc::clone(&self.log().records[index]);
        let waits_behind_another = |shard: &VecDeque<Arc<Record>>| {
            let waiting = shard.iter().filter(|waiting| waiting.booking == record.booking);
            waiting.skip(1).any(|waiting| waiting.number == record.number)
        };
        if !self.shards.iter().any(waits_behind_another) {
            self.begin(None, vec![record]);
        }
    }

    fn begin(&mut self, shard: Option<usize>, batch: Vec<Arc<Record>>) {
        self.deliveries_begun += 1;
        let number = self.deliveries_begun;
        self.trace(|| {
            let records: Vec<_> = batch.iter().map(|record| record.description()).collect();
            format!("delivery {number} begins: {}", records.join(", "))
        });
        let System { notify, shared, .. } = self.system;
        let event = NotifyEvent { records: Some(batch.iter().map(|it| it.json.clone()).collect()) };
        let deadline = shared.clock.now() + TIMEOUT;
        let future = Box::pin(notify.handle(event, deadline));
        self.deliveries.push(Delivery { number, shard, batch, future });
    }

    /// Ends any delivery where it is. All of its batch is delivered again.
    fn crash_any(&mut self) {
        let Some(index) = self.decisions.pick(self.deliveries.len()) else { return };
        let delivery = self.deliveries.swap_remove(index);
        self.trace(|| format!("delivery {} crashes", delivery.number));
        let mut log = self.log();
        log.delivery = delivery.number;
        log.interrupt();
    }

    fn poll_any(&mut self) {
        let Some(index) = self.decisions.pick(self.deliveries.len()) else { return };
        let delivery = &mut self.deliveries[index];
        self.system.shared.trace.set_caller("delivery", delivery.number);
        self.system.shared.log().delivery = delivery.number;
        let Poll::Ready(answer) =
            delivery.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return;
        };
        let delivery = self.deliveries.swap_remove(index);
        self.end(&delivery, answer);
    }

    /// Removes the records from a shard that have been handled.
    fn end(&mut self, delivery: &Delivery<'s>, answer: Result<NotifyResponse, ReminderError>) {
        let Ok(NotifyResponse::Changes(failures)) = answer else { return };
        let has_failed = |record: &Arc<Record>| {
            let number = record.number.to_string();
            failures.batch_item_failures.iter().any(|failure| failure.item_identifier == number)
        };
        let Delivery { number, shard, batch, .. } = delivery;
        let mut handled = batch.iter().position(has_failed).unwrap_or(batch.len());
        self.trace(|| format!("delivery {number} ends: {handled} of {} handled", batch.len()));
        let Some(shard) = *shard else { return };
        if self.system.shared.bug == Some(Bug::FailuresForgotten) {
            handled = batch.len();
        }
        if self.can_fail && self.decisions.one_in(16) {
            self.trace(|| format!("the answer of delivery {number} is lost"));
            return;
        }
        let now = self.system.shared.clock.now();
        for record in self.shards[shard].drain(..handled) {
            if now.duration_since(record.changed_at) >= STILL_TRUE {
                self.system.shared.log().late.insert(record.number);
            }
        }
    }
}
