//! One schedule: visitors, events and reconciliations, interleaved, with
//! everything that goes wrong in between.

mod actions;
mod settling;
mod task;

use std::ops::Range;
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;
use openchair::bookings::{Reservation, ReserveError};
use salon::booking::State;

use self::task::{Task, TaskResult};
use super::decisions::{Decisions, Recording};
use super::invariants::{self, BookingHistory, Violation, violated};
use super::notifications::{NotificationCounts, Notifications};
use super::planted_bug::Bug;
use super::stripe_model::WebhookEvent;
use super::system::System;
use super::trace::{Caller, short};
use super::visitor::Visitor;

/// How many times a schedule does something, before it is left to settle.
const STEPS: Range<usize> = 20..60;
/// How many tasks run at the same time.
const TASKS: usize = 5;
/// For how long a repeated request returns the booking of the first.
const REQUEST_KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// After how many polls a task counts as endless.
const POLLS: usize = 5_000;

/// Where the decisions of a schedule come from.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    Draw,
    Record,
    Replay(Recording),
}

/// The result of a schedule.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub violation: Option<Violation>,
    /// The steps, one a line, if they were asked for.
    pub trace: Vec<String>,
    /// How many steps there were.
    pub steps: u64,
    /// How many bookings are in each state in the end, in the order of [`State::ALL`].
    pub states: [u64; State::ALL.len()],
    pub notifications: NotificationCounts,
    pub(super) recording: Recording,
}

/// Runs the schedule of a seed.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>, is_traced: bool) -> Outcome {
    run_as(seed, bug, Mode::Draw, is_traced)
}

/// Runs the schedule of a seed, and records or replays its decisions.
pub(super) fn run_as(seed: u64, bug: Option<Bug>, mode: Mode, is_traced: bool) -> Outcome {
    let system = System::new(seed, bug, mode, is_traced);
    let mut schedule = Schedule {
        system: &system,
        decisions: &system.decisions,
        bug,
        visitors: Vec::new(),
        tasks: Vec::new(),
        tasks_begun: 0,
        checked: (0, 0),
        history: BookingHistory::default(),
        notifications: Notifications::new(&system, bug),
    };
    let violation = schedule.run().err();
    Outcome {
        violation,
        trace: system.trace.lines(),
        steps: system.trace.steps(),
        states: system.states(),
        notifications: system.notifier.log().entries().counts(),
        recording: system.decisions.recording(),
    }
}

struct Schedule<'s> {
    system: &'s System,
    decisions: &'s Decisions,
    bug: Option<Bug>,
    visitors: Vec<Visitor>,
    tasks: Vec<Task<'s>>,
    tasks_begun: usize,
    /// How many changes of the table and of Stripe have been checked.
    checked: (u64, u64),
    history: BookingHistory,
    notifications: Notifications<'s>,
}

impl<'s> Schedule<'s> {
    fn run(&mut self) -> Result<(), Violation> {
        for _ in 0..self.decisions.step_count(STEPS) {
            self.decisions.begin_step();
            self.step()?;
        }
        self.decisions.begin_settling();
        self.settle()
    }

    /// Does one thing.
    fn step(&mut self) -> Result<(), Violation> {
        match self.decisions.byte(100) {
            0..55 if self.tasks.is_empty() => self.arrive(),
            0..55 => {
                if let Some(task) = self.pick_task() {
                    self.poll(task)?;
                }
            }
            55..63 => self.arrive(),
            63..67 => self.repeat_request(),
            67..75 => self.pay(),
            75..78 => self.cancel(),
            78..80 => self.view(),
            80..88 => self.deliver_event(),
            88 => self.lose_event(),
            89..91 => self.reconcile(),
            91..95 => self.pass_between(1..120)?,
            95 => self.pass_between(5 * 60..60 * 60)?,
            96..98 => self.let_banks_act(),
            98 => {
                if let Some(task) = self.pick_task() {
                    self.crash(task);
                }
            }
            _ => self.pass_hours()?,
        }
        self.check()
    }

    /// Lets notifications make progress, and checks the invariants if anything has
    /// changed.
    fn check(&mut self) -> Result<(), Violation> {
        self.notifications.step();
        let ledger = self.system.stripe.ledger();
        let changes = (self.system.table_hook.changes(), ledger.changes());
        if self.checked == changes {
            return Ok(());
        }
        self.checked = changes;
        self.system.table.inspect(|contents| self.history.check(contents, &ledger))
    }

    fn pass_between(&mut self, seconds: Range<i64>) -> Result<(), Violation> {
        let time = SignedDuration::from_secs(self.decisions.between(seconds));
        self.pass(time)
    }

    /// Lets so much time pass that no running function survives it.
    fn pass_hours(&mut self) -> Result<(), Violation> {
        while !self.tasks.is_empty() {
            self.crash(self.pick_task().unwrap_or(0));
        }
        self.pass_between(3_600..30 * 3_600)
    }

    fn pass(&mut self, time: SignedDuration) -> Result<(), Violation> {
        self.notifications.end_deliveries()?;
        self.system.clock.advance(time);
        self.system.trace.step(|| format!("{time:#} have passed"));
        Ok(())
    }

    fn begin(
        &mut self,
        description: impl FnOnce() -> String,
        event: Option<WebhookEvent>,
        future: impl Future<Output = TaskResult> + 's,
    ) {
        self.tasks_begun += 1;
        let number = self.tasks_begun;
        self.system.trace.step(|| format!("task {number} begins: {}", description()));
        let id = self.decisions.new_id();
        self.tasks.push(Task { id, number, event, future: Box::pin(future) });
    }

    fn is_busy(&self) -> bool {
        self.tasks.len() >= TASKS
    }

    /// Ends a task where it is.
    fn crash(&mut self, index: usize) {
        let task = self.tasks.swap_remove(index);
        self.system.trace.step(|| format!("task {} crashes", task.number));
        self.send_again(task.event);
    }

    fn send_again(&self, event: Option<WebhookEvent>) {
        self.system.stripe.ledger().pending_events().extend(event);
    }

    fn pick_task(&self) -> Option<usize> {
        if self.tasks.is_empty() {
            return None;
        }
        self.decisions.pick(self.tasks.iter().map(|task| task.id))
    }

    /// Lets a task run to its next request, or to its end.
    fn poll(&mut self, index: usize) -> Result<(), Violation> {
        let task = &mut self.tasks[index];
        self.system.trace.set_caller(Caller::Task(task.number));
        let Poll::Ready(result) =
            task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return Ok(());
        };
        let task = self.tasks.swap_remove(index);
        self.system.trace.step(|| format!("task {} ends: {}", task.number, result.description()));
        match result {
            TaskResult::Reserved(visitor, outcome) => self.answer(visitor, *outcome)?,
            TaskResult::Delivered { is_accepted: false } => self.send_again(task.event),
            TaskResult::Delivered { is_accepted: true } | TaskResult::Other => {}
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
        let Ok(Reservation { booking, .. }) = outcome else { return Ok(()) };
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
                    invariants::ONE_BOOKING_A_REQUEST,
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
