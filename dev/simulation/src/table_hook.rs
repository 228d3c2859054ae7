//! What the simulation does at each call of the table: it lets calls fail, plants
//! bugs, and feeds the table's stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use openchair::store::StoreError;
use openchair::store::booking_store::{BookingChange, WriteOutcome};
use salon::booking::{Booking, PaymentIncidents};
use salon::day_sheet::DaySheet;
use testing::{Call, Fault as StoreFault, Hook, MemoryStore, Outcome};
use tokio::task::yield_now;

use super::decisions::Decisions;
use super::planted_bug::Bug;
use super::request_faults::{Fault, Faults};
use super::small_salon::SALONS;
use super::system::Shared;
use super::trace::short;

/// The hook of one handle of the table. Each handle has its own faults. The clones of
/// a hook are the same hook.
#[derive(Clone, Debug)]
pub(super) struct TableHook {
    table: MemoryStore,
    pub(super) faults: Faults,
    changes: Arc<AtomicU64>,
    /// Whether the answer of the call gets lost that is having its effect.
    is_answer_lost: Arc<AtomicBool>,
    shared: Shared,
}

impl TableHook {
    pub(super) fn new(
        table: &MemoryStore,
        decisions: Decisions,
        fault_percent: u8,
        shared: &Shared,
    ) -> Self {
        Self {
            table: table.clone(),
            faults: Faults::new(decisions, fault_percent),
            changes: Arc::default(),
            is_answer_lost: Arc::default(),
            shared: shared.clone(),
        }
    }

    /// Returns how many changes of bookings have been written.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn next_fault(&self, call: Call<'_>) -> Option<Fault> {
        let fault = || self.faults.next_of_table();
        match call {
            Call::Write(_) => fault(),
            // The write of a single item has no conflicts.
            Call::Claim(..) | Call::MarkDone(..) | Call::ReleaseClaim(..) => match fault()? {
                Fault::Conflict => Some(Fault::RequestLost),
                fault => Some(fault),
            },
            call if is_read(call) => fault().filter(|fault| *fault == Fault::RequestLost),
            _ => None,
        }
    }

    async fn fail_or_delay(&self, call: Call<'_>) -> Result<(), StoreFault> {
        let fault = self.next_fault(call);
        // A lost write fails at once: some seeds have found mistakes in this order.
        if !matches!((call, fault), (Call::Write(_), Some(Fault::RequestLost))) {
            yield_now().await;
        }
        match fault {
            Some(Fault::RequestLost) => {
                if matches!(call, Call::MarkDone(..)) {
                    self.shared.log().interrupt();
                }
                Err(self.unavailable(call).into())
            }
            Some(Fault::Conflict) => {
                self.shared.trace.call(|| "cannot write: another transaction is at work".into());
                Err(StoreFault::Conflict)
            }
            _ => {
                self.is_answer_lost.store(fault.is_some(), Ordering::Relaxed);
                self.plant_bug(call);
                Ok(())
            }
        }
    }

    fn unavailable(&self, call: Call<'_>) -> StoreError {
        self.shared
            .trace
            .call(|| format!("the table does not answer the call for {}", call.asked()));
        call.unavailable()
    }

    fn plant_bug(&self, call: Call<'_>) {
        match (self.shared.bug, call) {
            // Gives the day sheet the version that the change expects.
            (Some(Bug::UncheckedVersion), Call::Write(change)) => {
                let Some((staff, date, sheet)) = change.sheet else { return };
                let key = (staff.clone(), date);
                let known = self.table.inspect(|contents| contents.sheets.get(&key).cloned());
                if let Some(known) = known {
                    let entries = known.entries().cloned().collect();
                    self.table.put_sheet(key.0, date, DaySheet::new(sheet.version() - 1, entries));
                }
            }
            (Some(Bug::LineLost), Call::Write(change)) => {
                let Some((staff, date, _)) = change.sheet else { return };
                let key = (staff.clone(), date);
                let known = self.table.inspect(|contents| contents.sheets.get(&key).cloned());
                if let Some(known) = known {
                    let entries = known.entries().cloned().collect();
                    self.table.put_sheet(key.0, date, DaySheet::new(known.version(), entries));
                }
            }
            (Some(Bug::UnclaimedEffect), Call::Claim(id, effect))
                if !self.table.effects(id).contains(&effect) =>
            {
                self.table.remove_marker(id, effect);
            }
            _ => {}
        }
    }

    fn plant_bug_after_write(&self, written: &Booking) {
        let mut booking = written.clone();
        match self.shared.bug {
            Some(Bug::IncidentsLost) => booking.incidents = PaymentIncidents::default(),
            Some(Bug::TermsReplaced) => {
                let [first, last] = &SALONS[0];
                let is_first = booking.terms.cancellation == first.cancellation;
                booking.terms.cancellation = if is_first { last } else { first }.cancellation;
            }
            _ => return,
        }
        self.table.put_booking(booking);
    }

    fn observe(&self, call: Call<'_>, outcome: Outcome<'_>) {
        let trace = &self.shared.trace;
        match (call, outcome) {
            (Call::Write(change), Outcome::Write { previous, written }) => {
                self.observe_write(change, previous, written);
            }
            (Call::Claim(id, effect), Outcome::Claim(claim)) => {
                self.shared.log().add_claim(id, effect, claim);
                let (name, version) = (effect.name, effect.version);
                trace.call(|| {
                    format!("claims {name} of {}, version {version}: {claim:?}", short(id))
                });
            }
            (Call::MarkDone(id, effect), _) => {
                if self.shared.bug == Some(Bug::UnmarkedEffect) {
                    self.table.remove_marker(id, effect);
                }
                self.shared.log().add_mark();
                trace.call(|| format!("marks {} of {} as done", effect.name, short(id)));
            }
            _ if is_read(call) => trace.call(|| format!("reads {}", call.asked())),
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
        let (trace, id) = (&self.shared.trace, short(id));
        if let WriteOutcome::Conflict = written {
            trace.call(|| format!("cannot write {id} ({state}): version {version} is outdated"));
            return;
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
        if let WriteOutcome::Written(booking) = written {
            self.plant_bug_after_write(booking);
        }
        if let Some(previous) = previous {
            self.shared.log().add_change(previous, change.booking);
        }
        trace.call(|| {
            let session = checkout.session.as_ref().map_or("no session", |session| &session.id);
            format!("writes {id}: {state}, version {}, {session}", version + 1)
        });
    }
}

impl Hook for TableHook {
    fn before<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), StoreFault>> {
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

fn is_read(call: Call<'_>) -> bool {
    matches!(
        call,
        Call::Sheets
            | Call::Booking(_)
            | Call::ReservationContext
            | Call::UnsettledBookings
            | Call::BookingStates(_)
    )
}
