//! The table, Stripe and Google for the functions: all in this process, without delay.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::StreamSpecification;
use jiff::{SignedDuration, Timestamp};
use openchair::calendars::CALENDAR_SECRETS;
use openchair::clock::Clock;
use openchair::store::{DynamoStore, Store as _, table};
use salon::Salon;
use salon::day::Day;
use salon::interval::Interval;
use salon::salon_file;
use salon::staff_calendar::{CalendarReading, SourceReading};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Error;
use super::function_process::{EventPlan, Program, measure};
use crate::busy_salon::{self, SERVICE, Slot, Slots};
use crate::visitor_events::{Visitor, stripe_event};
use dev::serve::{SANDBOX_KEY, local_client};
use stand_ins::dynamodb_table;
use stand_ins::fake_google::{self, FakeGoogle, GoogleOptions};
use stand_ins::sandbox::{EventType, Sandbox, SandboxOptions, Serving, WEBHOOK_SECRET};

/// How much longer than the horizon the stored reading of a calendar stays fresh: a clock
/// that jumps forward must not outlive it.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A salon, and the services that its functions call.
pub(super) struct Backend {
    salon: Salon,
    salon_file: PathBuf,
    stripe: Serving,
    google: fake_google::Serving,
    dynamodb: JoinHandle<Result<(), String>>,
    dynamodb_port: u16,
    /// Times of the busy salon.
    slots: Slots,
    clock: Clock,
}

/// The salon of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SalonKind {
    /// The repository's own salon, with a Google calendar.
    Sample,
    /// A salon whose times never run out, without calendars.
    Busy,
}

impl Backend {
    /// Starts all services, with an empty table in memory.
    pub(super) async fn start(
        kind: SalonKind,
        folder: &Path,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let text = match kind {
            SalonKind::Sample => with_calendar(salon_file::COMPILED_IN),
            SalonKind::Busy => busy_salon::salon_file(),
        };
        let salon = salon_file::parse(&text).expect("the salons of the bench are valid");
        let salon_file = folder.join(format!("{kind:?}.toml").to_lowercase());
        std::fs::write(&salon_file, text)
            .map_err(|source| Error::File { path: salon_file.clone(), source })?;

        let (listener, dynamodb_port) = listen("the embedded DynamoDB").await?;
        let database =
            dynoxide::Database::new(":memory:").map_err(failed("the embedded DynamoDB"))?;
        let serving =
            dynoxide::server::serve_with_shutdown(listener, database, std::future::pending());
        let dynamodb = tokio::spawn(serving);
        create_table(&local_client(dynamodb_port)).await?;

        let (listener, _) = listen("the payment sandbox").await?;
        let unlimited = SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() };
        let stripe = Sandbox::start(unlimited, listener).map_err(failed("the payment sandbox"))?;
        let (listener, _) = listen("the fake Google").await?;
        let google = FakeGoogle::start(GoogleOptions::default(), listener)
            .map_err(failed("the fake Google"))?;
        google.google().set_busy("bench", []);
        let slots = Slots::after(clock.now());
        let clock = clock.clone();
        Ok(Self { salon, salon_file, stripe, google, dynamodb, dynamodb_port, slots, clock })
    }

    /// Returns a program of the release build, with this backend in its environment.
    pub(super) fn program(&self, release: &Path, name: &str, folder: &Path) -> Program {
        Program {
            path: release.join(name),
            environment: self.environment(),
            log: folder.join(format!("{name}.log")),
        }
    }

    /// Returns the variables of a deployed function, with the addresses of this backend.
    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let calendars = json!({ "google": {
            "serviceAccount": self.google.service_account(),
            "calendars": { "bench": "bench" },
        } });
        let dynamodb = format!("http://127.0.0.1:{}", self.dynamodb_port);
        vec![
            ("TABLE_NAME", table::DEFAULT_NAME.into()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", "local".into()),
            ("AWS_SECRET_ACCESS_KEY", "local".into()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".into()),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO".into()),
            ("METRICS_NAMESPACE", "openchair".into()),
            ("SALON_FILE", self.salon_file.clone().into()),
            ("STRIPE_SECRET_KEY", SANDBOX_KEY.into()),
            ("STRIPE_API_BASE", self.stripe.url().into()),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.into()),
            ("GOOGLE_API_BASE", self.google.url().into()),
            (CALENDAR_SECRETS, calendars.to_string().into()),
        ]
    }

    pub(super) fn plan(&self, events: Vec<String>, untimed: usize, status: u16) -> EventPlan {
        let deadline = self.clock.now() + SignedDuration::from_hours(1);
        EventPlan { events, untimed, status, deadline_ms: deadline.as_millisecond() }
    }

    /// Stores a fresh reading of the calendar, and a booking on each open day.
    pub(super) async fn fill(&self, checkout: Program) -> Result<(), Error> {
        let now = self.clock.now();
        let openings = openings(&self.salon, now);
        let hour = SignedDuration::from_hours(1);
        let busy = openings.iter().filter_map(|at| Interval::new(*at + hour * 2, *at + hour * 3));
        let source = SourceReading { busy: busy.collect(), version: None };
        let sources = BTreeMap::from([("google".to_owned(), source)]);
        let window = Interval::new(now - hour * 24, now + FRESH_FOR * 2).expect("it has a length");
        // A clock that has jumped forward still finds it recent.
        let reading = CalendarReading::new(sources, window, now + FRESH_FOR, now + FRESH_FOR);
        let store = DynamoStore::new(local_client(self.dynamodb_port), table::DEFAULT_NAME.into());
        for member in &self.salon.staff {
            store.put_reading(&member.id, &reading).await.map_err(Error::Fill)?;
        }
        let staff = self.salon.staff.first().map(|member| &member.id);
        let bookings = (0..).zip(openings);
        let events = bookings.map(|(number, at)| Visitor(number).book("2.02", at, staff).json());
        measure(checkout, self.plan(events.collect(), 0, 201)).await?;
        Ok(())
    }

    /// Returns requests to book, each for another time and by another visitor.
    pub(super) fn bookings(&mut self, count: usize) -> Vec<String> {
        let event =
            |Slot { visitor, staff, start }| visitor.book(SERVICE, start, Some(&staff)).json();
        self.slots.by_ref().take(count).map(event).collect()
    }

    /// Makes bookings and pays them, and returns Stripe's signed events about that.
    pub(super) async fn payments(
        &mut self,
        checkout: Program,
        count: usize,
    ) -> Result<Vec<String>, Error> {
        let events = self.bookings(count);
        let booked = measure(checkout, self.plan(events, 0, 201)).await?;
        let sandbox = self.stripe.sandbox();
        let sessions: Vec<String> =
            booked.bodies.iter().filter_map(|body| session_id(body)).collect();
        for session in &sessions {
            sandbox.pay(session).map_err(failed("a payment"))?;
        }
        let at = self.clock.now();
        let completed = sandbox.events().into_iter().filter(|event| {
            event.kind == EventType::SessionCompleted && sessions.contains(&event.object)
        });
        Ok(completed.map(|event| stripe_event(event.body(), at).json()).collect())
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.dynamodb.abort();
    }
}

fn session_id(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    body["sessionId"].as_str().map(str::to_owned)
}

/// Creates the table without its stream. dynoxide searches the whole stream for the number
/// of each new record, so writes get slower and slower; `DynamoDB`'s stream does not slow
/// down writes.
async fn create_table(client: &Client) -> Result<(), Error> {
    dynamodb_table::create(client, table::DEFAULT_NAME).await.map_err(Error::Table)?;
    let no_stream = StreamSpecification::builder().stream_enabled(false).build();
    client
        .update_table()
        .table_name(table::DEFAULT_NAME)
        .stream_specification(no_stream.map_err(failed("a table without a stream"))?)
        .send()
        .await
        .map_err(failed("a table without a stream"))?;
    Ok(())
}

async fn listen(what: &'static str) -> Result<(TcpListener, u16), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed(what))?;
    let address = listener.local_addr().map_err(failed(what))?;
    Ok((listener, address.port()))
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl Fn(E) -> Error {
    move |source| Error::Backend { what, source: source.into() }
}

/// Returns the opening time of every open day from tomorrow on.
fn openings(salon: &Salon, now: Timestamp) -> Vec<Timestamp> {
    let Some(member) = salon.staff.first() else { return Vec::new() };
    let days = salon.horizon(now).dates().skip(1).filter(|date| !salon.is_closed_on(*date));
    days.map(|date| Day::new(date, &salon.time_zone))
        .filter_map(|day| {
            let working = day.instants(salon.hours_of(member).on(day.date().weekday()));
            working.iter().next().map(Interval::start)
        })
        .collect()
}

/// Gives the sample salon's only person a calendar.
fn with_calendar(salon: &str) -> String {
    salon.replace("id = \"s1\"", "id = \"s1\"\ncalendars = [{ google = \"bench\" }]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_salon_gets_one_calendar_and_opens_on_most_days() {
        let salon = salon_file::parse(&with_calendar(salon_file::COMPILED_IN)).unwrap();
        assert!(salon.staff.iter().all(|member| member.calendars.len() == 1));
        let now = "2026-11-23T07:00:00-08:00".parse().unwrap();
        assert!(openings(&salon, now).len() > 30);
    }
}
