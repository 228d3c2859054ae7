//! The fake Google: a local stand-in for Google Calendar.
//!
//! It speaks the part that the functions use: an access token for a service
//! account's signed assertion, `freeBusy.query`, `events.insert` and
//! `events.delete`. Errors are Google's, and
//! are made to happen with [`FakeGoogle::fail_with`] and
//! [`FakeGoogle::fail_calendar`].
//!
//! | room | what it holds |
//! |---|---|
//! | `account` | the test account, whose key guards nothing |
//! | `assertion` | checks what the account signed |
//! | `api` | the endpoints |
//! | `by_hand` | busy time that a developer puts there |
//! | `page` | what is in the calendars, to look at |
//! | `server` | serving on a socket |

mod assertion;
mod calendar_page;
mod events_api;
mod free_busy_api;
mod google_server;
mod manual_busy;
mod test_account;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use openchair::clock::Clock;
use salon::interval::{Interval, IntervalSet};

pub use self::events_api::GoogleEvent;
pub use self::google_server::Serving;
pub use self::test_account::{CLIENT_EMAIL, service_account};
use self::{assertion::Scope, events_api::Events};

/// What can be chosen about a fake Google.
#[derive(Clone, Debug)]
pub struct GoogleOptions {
    /// How long every answer takes.
    pub latency: Duration,
    /// How long an access token is good for.
    pub token_life: SignedDuration,
    /// For whom the account may act: Google calls it domain-wide delegation.
    /// `None` allows nobody.
    pub subject: Option<String>,
    /// The clock for assertions and access tokens.
    pub clock: Clock,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            token_life: SignedDuration::from_secs(3_599),
            subject: None,
            clock: Clock::machine(),
        }
    }
}

/// A way in which Google fails a whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 403 with the reason `rateLimitExceeded`.
    RateLimitExceeded,
    /// 429 with the reason `rateLimitExceeded`.
    TooManyRequests,
    /// 500 with the reason `backendError`.
    Internal,
    /// 403 with the reason `requiredAccessLevel`: it will not pass.
    Forbidden,
    /// No answer for so long, and then the true one.
    Slow(Duration),
}

/// A way in which Google fails one calendar, inside a 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarFault {
    /// The reason `notFound`, as of every calendar that was never set.
    NotFound,
    /// The reason `internalError`.
    InternalError,
    /// The calendar is left out of the answer.
    LeftOut,
}

/// A fake Google; its clones share one state.
#[derive(Clone, Debug)]
pub struct FakeGoogle {
    options: Arc<GoogleOptions>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calendars: BTreeMap<String, IntervalSet<Timestamp>>,
    calendar_faults: BTreeMap<String, CalendarFault>,
    faults: VecDeque<Fault>,
    /// Until when each access token is good, and for what.
    tokens: BTreeMap<String, (Timestamp, Scope)>,
    events: Events,
    issued: usize,
    requests: BTreeMap<String, usize>,
}

impl FakeGoogle {
    /// Makes a Google without calendars.
    #[must_use]
    pub fn new(options: GoogleOptions) -> Self {
        Self { options: Arc::new(options), state: Arc::default() }
    }

    /// Returns Google's endpoints, below `/token` and `/calendar/v3`, and
    /// `/calendars/{id}/busy` for changes by hand; `/` shows what there is.
    pub fn router(&self) -> Router {
        let by_hand = manual_busy::router(self.clone());
        free_busy_api::router(self.clone())
            .merge(by_hand)
            .merge(calendar_page::router(self.clone()))
    }

    /// Returns the events of a calendar, those that were deleted too.
    #[must_use]
    pub fn events(&self, calendar_id: &str) -> Vec<GoogleEvent> {
        self.state().events.of(calendar_id)
    }

    /// Makes a calendar, or changes it: this is all of its busy time.
    pub fn set_busy(&self, calendar_id: &str, busy: impl IntoIterator<Item = Interval<Timestamp>>) {
        let busy = busy.into_iter().collect();
        self.state().calendars.insert(calendar_id.to_owned(), busy);
    }

    /// Fails one calendar in every answer, until told otherwise.
    pub fn fail_calendar(&self, calendar_id: &str, fault: Option<CalendarFault>) {
        let faults = &mut self.state().calendar_faults;
        match fault {
            Some(fault) => faults.insert(calendar_id.to_owned(), fault),
            None => faults.remove(calendar_id),
        };
    }

    /// Fails the next requests for busy times or of events, one fault each, in this order
    /// and after those that are still to come.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// Forgets all access tokens: who holds one is answered 401.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Counts the requests by route, such as `POST /calendar/v3/freeBusy`:
    /// also those that were turned away.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, usize> {
        self.state().requests.clone()
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves the state half-changed, so a panic elsewhere does
        // not make it unusable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
