//! One schedule: visitors, events and reconciliations, interleaved, with
//! everything that goes wrong in between.

mod actions;
mod settling;

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;
use openchair::bookings::{Reservation, ReserveError};
use salon::booking::State;

use super::decisions::{Decisions, Recording};
use super::invariants::{BookingHistory, Violation, violated};
use super::notifications::{NotificationCounts, Notifications};
use super::planted_bug::Bug;
use super::stripe_model::WebhookEvent;
use super::system::System;
use super::trace::short;
use super::visitor::Visitor;

/// How many times a schedule does something, before it is left to settle.
const STEPS: Range<usize> = 20..60;
/// How many tasks run at the same time.
const TASKS: usize = 5;
/// For how long a repeated request returns the booking of the first.
const REQUEST_KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

#[derive(Clone, Debug)]
pub struct Outcome {
    pub violation: Option<Violation>,
    /// The steps, one a line, if they were asked for.
    pub trace: Vec<String>,
    pub steps: u64,
    /// How many bookings are in each state in the end, in the order of [`State::ALL`].
    pub states: [u64; State::ALL.len()],
    /// How many clients got a time by standing by.
    pub served: u64,
    pub notifications: NotificationCounts,
    pub(super) recording: Recording,
}

/// Runs the schedule of a seed.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>, is_traced: bool) -> Outcome {
    run_as(seed, bug, None, is_traced)
}

/// Runs the schedule of a seed, with the decisions of a recording if there is one.
pub(super) fn run_as(
    seed: u64,
    bug: Option<Bug>,
    replayed: Option<Recording>,
    is_traced: bool,
) -> Outcome {
    let system = System::new(seed, bug, replayed, is_traced);
    let mut schedule = Schedule {
        system: &system,
        decisions: &system.decisions,
        visitors: Vec::new(),
        tasks: Vec::new(),
        tasks_begun: 0,
        checked: (0, 0),
        history: BookingHistory::default(),
        notifications: Notifications::new(&system),
    };
    let violation = schedule.run().err();
    let (steps, trace) = system.shared.trace.take();
    Outcome {
        violation,
        trace,
        steps,
        states: system.states(),
        served: system.served(),
        notifications: system.shared.log().counts(),
        recording: system.decisions.take_recording(),
    }
}

struct Schedule<'s> {
    system: &'s System,
    decisions: &'s Decisions,
    visitors: Vec<Visitor>,
    tasks: Vec<Task<'s>>,
    tasks_begun: usize,
    /// How many changes of the table and of Stripe have been checked.
    checked: (u64, u64),
    history: BookingHistory,
    notifications: Notifications<'s>,
}

/// Something that runs until it ends or crashes.
struct Task<'s> {
    number: usize,
    /// The event that it delivers. Stripe sends it again if that fails.
    event: Option<WebhookEvent>,
    future: Pin<Box<dyn Future<Output = TaskResult> + 's>>,
}

enum TaskResult {
    /// The visitor with this number made a request.
    Reserved(usize, Box<Result<Reservation, ReserveError>>),
    /// The code behind the webhook did not accept an event.
    NotAccepted,
    Done,
}

impl<'s> Schedule<'s> {
    fn run(&mut self) -> Result<(), Violation> {
        let stepped = (0..self.decisions.step_count(STEPS)).try_for_each(|_| {
            self.decisions.begin_step();
            self.step()
        });
        // A recording always ends with the decisions while everything settles.
        self.decisions.begin_step();
        stepped?;
        self.settle()
    }

    /// Does one thing.
    fn step(&mut self) -> Result<(), Violation> {
        match self.decisions.byte(100) {
            0..55 if self.tasks.is_empty() => self.arrive(),
            0..55 => self.poll_any()?,
            55..63 => self.arrive(),
            63..67 => self.repeat_request(),
            67..75 => self.pay(),
            75..78 => self.cancel(),
            78..80 => self.view(),
            80..88 => self.deliver_event(),
            88 => self.lose_event(),
            89 => self.reconcile(false),
            90 => self.reconcile(true),
            91..95 => self.pass_between(1..120)?,
            95 => self.pass_between(5 * 60..60 * 60)?,
            96 => self.let_banks_act(),
            97 => self.let_outsiders_act(),
            98 => self.crash_or_deploy(),
            _ => {
                // No running function survives so many hours.
                while !self.tasks.is_empty() {
                    self.crash_any();
                }
                self.pass_between(3_600..30 * 3_600)?;
            }
        }
        self.check()
    }

    /// Lets notifications make progress, and checks the invariants if anything has
    /// changed.
    fn check(&mut self) -> Result<(), Violation> {
        self.notifications.step();
        let ledger = self.system.stripe.ledger();
        let changes = (self.system.table_hook.changes(), ledger.changes);
        if self.checked == changes {
            return Ok(());
        }
        self.checked = changes;
        self.system.table.inspect(|contents| self.history.check(contents, &ledger))
    }

    /// Adds a step to the trace.
    fn trace(&self, line: impl FnOnce() -> String) {
        self.system.shared.trace.step(line);
    }

    fn pass_between(&mut self, seconds: Range<u32>) -> Result<(), Violation> {
        self.pass(SignedDuration::from_secs(self.decisions.between(seconds)))
    }

    fn pass(&mut self, time: SignedDuration) -> Result<(), Violation> {
        self.notifications.end_deliveries()?;
        self.system.shared.clock.advance(time);
        self.trace(|| format!("{time:#} have passed"));
        Ok(())
    }

    fn begin(
        &mut self,
        description: &str,
        event: Option<WebhookEvent>,
        future: impl Future<Output = TaskResult> + 's,
    ) {
        self.tasks_begun += 1;
        let number = self.tasks_begun;
        self.trace(|| format!("task {number} begins: {description}"));
        self.tasks.push(Task { number, event, future: Box::pin(future) });
    }

    fn is_busy(&self) -> bool {
        self.tasks.len() >= TASKS
    }

    fn crash_or_deploy(&mut self) {
        if self.decisions.one_in(3) {
            let version = self.system.deploy();
            self.trace(|| format!("version {version} is deployed"));
        } else {
            self.crash_any();
        }
    }

    /// Ends any task where it is.
    fn crash_any(&mut self) {
        let Some(index) = self.decisions.pick(self.tasks.len()) else { return };
        let task = self.tasks.swap_remove(index);
        self.trace(|| format!("task {} crashes", task.number));
        self.system.stripe.ledger().pending_events.extend(task.event);
    }

    /// Lets any task run to its next request, or to its end.
    fn poll_any(&mut self) -> Result<(), Violation> {
        let Some(index) = self.decisions.pick(self.tasks.len()) else { return Ok(()) };
        let task = &mut self.tasks[index];
        self.system.shared.trace.set_caller("task", task.number);
        let Poll::Ready(result) =
            task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return Ok(());
        };
        let Task { number, event, .. } = self.tasks.swap_remove(index);
        self.trace(|| match &result {
            TaskResult::Reserved(visitor, outcome) => match &**outcome {
                Ok(Reservation { booking, .. }) => {
                    let (id, state) = (short(&booking.id), booking.state);
                    format!(
                        "task {number} ends: visitor {visitor} has booking {id}, which is {state}"
                    )
                }
                Err(error) => {
                    format!("task {number} ends: visitor {visitor} gets an error: {error}")
                }
            },
            TaskResult::NotAccepted => format!("task {number} ends: the event will come again"),
            TaskResult::Done => format!("task {number} ends"),
        });
        match result {
            TaskResult::Reserved(visitor, outcome) => self.answer(visitor, *outcome)?,
            TaskResult::NotAccepted => self.system.stripe.ledger().pending_events.extend(event),
            TaskResult::Done => {
                if let Some(event) = event {
                    self.system.stripe.ledger().accepted(&event);
                }
            }
        }
        Ok(())
    }

    /// Gives a visitor the answer to a request.
    fn answer(
        &mut self,
        visitor: usize,
        outcome: Result<Reservation, ReserveError>,
    ) -> Result<(), Violation> {
        let visitor = &mut self.visitors[visitor];
        if visitor.is_attacker {
            return Ok(());
        }
        // A booking that another visitor has made for the same person is not bound to the key.
        let Ok(Reservation { booking, is_owner: true, .. }) = outcome else { return Ok(()) };
        if visitor.session.is_some() {
            // A booking that Stripe refused has no session, and its key may be used again.
            if booking.checkout.session.is_none() {
                return Ok(());
            }
            if let Some((first, _)) = &visitor.booking
                && *first != booking.id
                && booking.created_at.duration_since(visitor.booked_at).abs() < REQUEST_KEY_LIFETIME
            {
                let (first, second) = (short(first), short(&booking.id));
                return violated(
                    "a repeated request makes no second booking",
                    format!("one request has made the bookings {first} and {second}"),
                );
            }
        }
        visitor.session = booking.checkout.session.map(|session| session.id);
        visitor.booked_at = booking.created_at;
        visitor.booking = Some((booking.id, booking.manage_token));
        Ok(())
    }
}
