//! The fake Google: a local stand-in for Google Calendar.
//!
//! It implements what the functions use: an access token for a service account's signed
//! assertion, `freeBusy.query`, `events.insert` and `events.delete`. Error responses are
//! Google's; [`FakeGoogle::fail_with`] and [`FakeGoogle::fail_calendar`] trigger them.
//!
//! | module | contents |
//! |---|---|
//! | `assertion` | the service account, and the check of its signed assertions |
//! | `free_busy_api`, `events_api` | Google's endpoints |
//! | `manual_busy` | shows the calendars, and adds busy time by hand |

mod assertion;
mod events_api;
mod free_busy_api;
mod manual_busy;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use openchair::clock::Clock;
use salon::interval::{Interval, IntervalSet};
use serde_json::Value;
use tokio::net::TcpListener;

use self::assertion::Scope;
pub use self::assertion::{CLIENT_EMAIL, service_account};
use self::events_api::Events;
pub use self::events_api::GoogleEvent;
use crate::serving;

pub type Serving = serving::Serving<FakeGoogle>;

#[derive(Clone, Debug)]
pub struct GoogleOptions {
    /// The user for whom the account may act (domain-wide delegation).
    pub subject: Option<String>,
    /// The clock for assertions and access tokens.
    pub clock: Clock,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self { subject: None, clock: Clock::machine() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 403 with the reason `rateLimitExceeded`.
    RateLimitExceeded,
    /// 429 with the reason `rateLimitExceeded`.
    TooManyRequests,
    /// 500 with the reason `backendError`.
    Internal,
    /// 403 with the reason `requiredAccessLevel`, a permanent error.
    Forbidden,
    /// The response is delayed by this time.
    Slow(Duration),
}

/// A failure of one calendar inside a 200 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarFault {
    /// The reason `notFound`, as for unknown calendars.
    NotFound,
    /// The reason `internalError`.
    InternalError,
    /// The calendar is missing from the response.
    Missing,
}

/// A fake Google. Clones share one state.
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
    /// The expiry and scope of each access token.
    tokens: BTreeMap<String, (Timestamp, Scope)>,
    events: Events,
    issued: usize,
    requests: BTreeMap<String, usize>,
}

impl FakeGoogle {
    /// Serves a new fake Google without calendars on `listener` in the background: Google's
    /// endpoints (`/token`, `/calendar/v3`), `/calendars/{id}/busy` for manual changes, and a
    /// page that shows all calendars.
    ///
    /// # Errors
    /// Fails if the listener has no address.
    pub fn start(options: GoogleOptions, listener: TcpListener) -> io::Result<Serving> {
        let google = Self { options: Arc::new(options), state: Arc::default() };
        let router: Router = free_busy_api::router(google.clone());
        Serving::start(google.clone(), router.merge(manual_busy::router(google)), listener)
    }

    /// Returns the events of a calendar, including deleted ones.
    #[must_use]
    pub fn events(&self, calendar_id: &str) -> Vec<GoogleEvent> {
        self.state().events.of(calendar_id)
    }

    /// Replaces a calendar's busy time. Creates the calendar if it is missing.
    pub fn set_busy(&self, calendar_id: &str, busy: impl IntoIterator<Item = Interval<Timestamp>>) {
        let busy = busy.into_iter().collect();
        self.state().calendars.insert(calendar_id.to_owned(), busy);
    }

    /// Sets or clears the failure of one calendar.
    pub fn fail_calendar(&self, calendar_id: &str, fault: Option<CalendarFault>) {
        let faults = &mut self.state().calendar_faults;
        match fault {
            Some(fault) => faults.insert(calendar_id.to_owned(), fault),
            None => faults.remove(calendar_id),
        };
    }

    /// Fails the next free/busy or event requests, one fault per request.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// Revokes all access tokens.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Counts the requests by route, such as `POST /calendar/v3/freeBusy`, including failed
    /// ones.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, usize> {
        self.state().requests.clone()
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete, so the state is usable even after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    /// Returns the key file of its service account.
    #[must_use]
    pub fn service_account(&self) -> Value {
        service_account(&format!("{}/token", self.url()))
    }

    /// Returns the fake itself, for control without HTTP.
    #[must_use]
    pub fn google(&self) -> &FakeGoogle {
        &self.stand_in
    }
}
