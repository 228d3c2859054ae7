//! What the simulation does at each call of the table: it lets calls fail, plants
//! bugs, and feeds the table's stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use openchair::store::StoreError;
use openchair::store::booking_store::{BookingChange, WriteOutcome};
use salon::booking::Booking;
use salon::day_sheet::DaySheet;
use testing::{Call, Fault, Hook, MemoryStore, Outcome};
use tokio::task::yield_now;

use super::decisions::Decisions;
use super::notifications::NotificationLog;
use super::planted_bug::Bug;
use super::request_faults::Faults;
use super::trace::{Trace, short};

/// The hook of one handle of the table. Each handle has its own faults. The clones of
/// a hook are the same hook.
#[derive(Clone, Debug)]
pub(super) struct TableHook {
    /// A handle without a hook.
    table: MemoryStore,
    faults: Faults,
    changes: Arc<AtomicU64>,
    /// Whether the answer of the call gets lost that is having its effect.
    is_answer_lost: Arc<AtomicBool>,
    bug: Option<Bug>,
    log: NotificationLog,
    trace: Trace,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallFault {
    /// It does not arrive.
    RequestLost,
    /// It has its effect, but the answer does not arrive.
    AnswerLost,
    /// Another transaction is changing the same items.
    Conflict,
}

const FAULTS: [CallFault; 3] = [CallFault::RequestLost, CallFault::AnswerLost, CallFault::Conflict];

impl TableHook {
    pub(super) fn new(
        table: MemoryStore,
        decisions: Decisions,
        fault_percent: u8,
        bug: Option<Bug>,
        log: NotificationLog,
        trace: Trace,
    ) -> Self {
        let faults = Faults::new(decisions, fault_percent);
        let (changes, is_answer_lost) = (Arc::default(), Arc::default());
        Self { table, faults, changes, is_answer_lost, bug, log, trace }
    }

    /// Lets all later calls succeed.
    pub(super) fn stop_faults(&self) {
        self.faults.stop();
    }

    /// Returns how many changes of bookings have been written.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn next_fault(&self, call: Call<'_>) -> Option<CallFault> {
        match call {
            Call::Calendars
            | Call::TakeLease(_)
            | Call::PutReading(_)
            | Call::MoveLease(_)
            | Call::RecordPoll(_) => None,
            Call::Sheets | Call::Booking(_) | Call::ReservationContext | Call::BookingsToCheck => {
                let fault = self.faults.next_of_table(&FAULTS);
                fault.filter(|fault| *fault == CallFault::RequestLost)
            }
            Call::Write(_) => self.faults.next_of_table(&FAULTS),
            // The write of a single item has no conflicts.
            Call::Claim(..) | Call::MarkDone(..) | Call::ReleaseClaim(..) => {
                let fault = self.faults.next_of_table(&FAULTS)?;
                let is_conflict = fault == CallFault::Conflict;
                Some(if is_conflict { CallFault::RequestLost } else { fault })
            }
        }
    }

    async fn fail_or_delay(&self, call: Call<'_>) -> Result<(), Fault> {
        let fault = self.next_fault(call);
        // A lost write fails at once: some seeds have found mistakes in this order.
        if !matches!((call, fault), (Call::Write(_), Some(CallFault::RequestLost))) {
            yield_now().await;
        }
        match fault {
            Some(CallFault::RequestLost) => {
                if matches!(call, Call::MarkDone(..)) {
                    self.log.entries().interrupt();
                }
                Err(self.unavailable(call).into())
            }
            Some(CallFault::Conflict) => {
                self.trace.call(|| "cannot write: another transaction is at work".to_owned());
                Err(Fault::Conflict)
            }
            Some(CallFault::AnswerLost) | None => {
                self.is_answer_lost.store(fault.is_some(), Ordering::Relaxed);
                self.plant_bug(call);
                Ok(())
            }
        }
    }

    fn unavailable(&self, call: Call<'_>) -> StoreError {
        self.trace.call(|| format!("the table does not answer the call for {}", call.asked()));
        call.unavailable()
    }

    fn plant_bug(&self, call: Call<'_>) {
        match (self.bug, call) {
            (Some(Bug::UncheckedVersion), Call::Write(change)) => self.accept_any_version(change),
            (Some(Bug::UnclaimedEffect), Call::Claim(id, effect))
                if !self.table.effects(id).contains(&effect) =>
            {
                self.table.remove_marker(id, effect);
            }
            _ => {}
        }
    }

    /// Gives the day sheet the version that a change expects.
    fn accept_any_version(&self, change: &BookingChange<'_>) {
        let Some((staff, date, sheet)) = change.sheet else { return };
        let key = (staff.clone(), date);
        let known = self.table.inspect(|contents| contents.sheets.get(&key).cloned());
        if let Some(known) = known {
            let known = DaySheet::new(sheet.version() - 1, known.entries().cloned().collect());
            self.table.put_sheet(key.0, date, known);
        }
    }

    /// Notes the effect of a call.
    fn observe(&self, call: Call<'_>, outcome: Outcome<'_>) {
        match (call, outcome) {
            (Call::Write(change), Outcome::Write { previous, written }) => {
                self.observe_write(change, previous, written);
            }
            (Call::Claim(id, effect), Outcome::Claim(claim)) => {
                self.log.entries().add_claim(id, effect, claim);
                let (name, version) = (effect.name, effect.version);
                self.trace.call(|| {
                    format!("claims {name} of {}, version {version}: {claim:?}", short(id))
                });
            }
            (Call::MarkDone(id, effect), _) => {
                if self.bug == Some(Bug::UnmarkedEffect) {
                    self.table.remove_marker(id, effect);
                }
                self.log.entries().add_mark();
                self.trace.call(|| format!("marks {} of {} as done", effect.name, short(id)));
            }
            (
                Call::Sheets | Call::Booking(_) | Call::ReservationContext | Call::BookingsToCheck,
                _,
            ) => self.trace.call(|| format!("reads {}", call.asked())),
            _ => {}
        }
    }

    fn observe_write(
        &self,
        change: &BookingChange<'_>,
        previous: Option<&Booking>,
        written: &WriteOutcome,
    ) {
        let Booking { id, state, version, checkout, .. } = change.booking;
        let id = short(id);
        if let WriteOutcome::Conflict = written {
            self.trace
                .call(|| format!("cannot write {id} ({state}): version {version} is outdated"));
            return;
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
        if let Some(previous) = previous {
            self.log.entries().add_change(previous, change.booking);
        }
        self.trace.call(|| {
            let session = checkout.session.as_ref().map_or("no session", |session| &session.id);
            format!("writes {id}: {state}, version {}, {session}", version + 1)
        });
    }
}

impl Hook for TableHook {
    fn before<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.fail_or_delay(call))
    }

    fn after<'a>(
        &'a self,
        call: Call<'a>,
        outcome: Outcome<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let is_answer_lost = self.is_answer_lost.swap(false, Ordering::Relaxed);
        // Nobody learns of a claim whose answer is lost.
        if !(is_answer_lost && matches!(call, Call::Claim(..))) {
            self.observe(call, outcome);
        }
        let answer = if is_answer_lost { Err(self.unavailable(call)) } else { Ok(()) };
        Box::pin(std::future::ready(answer))
    }
}
