//! Settling bookings from Stripe's list of sessions: one request for a hundred of them.

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{ReconcileBudget, Run};
use crate::bookings::Bookings;
use crate::bookings::transition::Trigger;
use crate::busy::Origin;
use crate::payments::webhook::SessionChange;
use crate::payments::{Payments, Session, SessionPage, SessionQuery, SessionStatus};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use salon::booking::{BookingId, State, TIME_TO_PAY};

/// How long ago a listed session was created at most.
const LISTED_AGE: SignedDuration = SignedDuration::from_mins(50);
/// How long after its session has ended a booking is checked one by one, if no event and
/// no list has settled it.
pub(in crate::bookings) const CHECK_AFTER_SESSION: SignedDuration = SignedDuration::from_mins(10);

const _: () = assert!(
    TIME_TO_PAY.as_secs() + CHECK_AFTER_SESSION.as_secs() < LISTED_AGE.as_secs(),
    "sessions are listed until their bookings are checked"
);

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Applies the recent sessions that have a status and name a booking of this salon, while
    /// there is time.
    pub(super) async fn apply_sessions(
        &self,
        status: SessionStatus,
        run: &mut Run,
        budget: &ReconcileBudget,
        deadline: Instant,
    ) {
        let created_since = self.now() - LISTED_AGE;
        let mut after: Option<String> = None;
        loop {
            if Instant::now() >= deadline {
                run.report.is_cut_short = true;
                return;
            }
            let query = SessionQuery { status, created_since, after: after.as_deref() };
            let page = match self.payments.sessions(query).await {
                Ok(page) => page,
                Err(error) => {
                    // Only this page says where the next one begins. The next run lists both.
                    run.count_failure();
                    tracing::warn!(
                        stripe.status = ?status, error.cause = chain(&error),
                        "Stripe sessions could not be listed"
                    );
                    return;
                }
            };
            let SessionPage { sessions, next } = page;
            run.report.listed += sessions.len();
            self.apply_page(status, &sessions, run, deadline).await;
            let Some(next) = next else { return };
            after = Some(next);
            self.reader.clock().pause(budget.pause).await;
        }
    }

    async fn apply_page(
        &self,
        status: SessionStatus,
        sessions: &[Session],
        run: &mut Run,
        deadline: Instant,
    ) {
        let sessions = sessions.iter().filter_map(|session| {
            let id = BookingId::parse(session.booking_id.as_deref()?)?;
            Some((id, session))
        });
        let (news, change): (Vec<_>, _) = match status {
            SessionStatus::Complete => {
                (self.without_settled(sessions.collect(), run).await, SessionChange::Completed)
            }
            // A settled booking does not need to know that its session has expired.
            SessionStatus::Expired => {
                let news = sessions.filter(|(id, _)| run.unsettled.contains(id));
                (news.collect(), SessionChange::Expired)
            }
            SessionStatus::Open => return,
        };
        for (id, session) in news {
            if Instant::now() >= deadline {
                run.report.is_cut_short = true;
                return;
            }
            match self.apply_session_change(&id, change, session, Trigger::Reconciliation).await {
                Ok(is_changed) => {
                    run.checked(is_changed == Some(true));
                    if is_changed == Some(true) {
                        run.changed.insert(id);
                    }
                }
                Err(error) => run.booking_failed(&id, &error),
            }
        }
    }

    /// Returns the complete sessions that may be news to their bookings. A booking that is over
    /// may have expired or been cancelled before the client paid, and one that is paid may have
    /// been paid again.
    async fn without_settled<'a>(
        &self,
        sessions: Vec<(BookingId, &'a Session)>,
        run: &mut Run,
    ) -> Vec<(BookingId, &'a Session)> {
        let mut ids: Vec<_> = sessions.iter().map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let states = match self.reader.store().booking_states(&ids).await {
            Ok(states) => states,
            Err(error) => {
                run.count_failure();
                tracing::warn!(
                    error.cause = chain(&error),
                    "Bookings of paid sessions could not be read"
                );
                return Vec::new();
            }
        };
        let has_news = |id: &BookingId, session: &Session| {
            let Some(known) = states.iter().find(|state| state.id == *id) else {
                // It cannot be read, or is not a booking of this salon.
                return run.unsettled.contains(id);
            };
            let payment = session.payment.as_deref();
            let is_settled = payment.is_some_and(|payment| known.is_settled_second(payment));
            let is_own = payment.is_some() && payment == known.payment.as_deref();
            match known.state {
                State::Held
                | State::Processing
                | State::Standby
                | State::InLine
                | State::Capturing => !is_settled,
                State::Expired | State::Cancelled => !is_settled && !is_own,
                State::Confirmed
                | State::Refunding
                | State::Refunded
                | State::RefundFailed
                | State::Released => session.paid && !is_settled && !is_own,
            }
        };
        sessions.into_iter().filter(|(id, session)| has_news(id, session)).collect()
    }
}
