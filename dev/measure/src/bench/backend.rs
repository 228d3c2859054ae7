//! The table, Stripe and Google for the functions: all in this process, without delay.

use std::collections::{BTreeMap, HashSet};
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
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::function_process::{EventPlan, Program, measure};
use crate::busy_salon::{self, Slots};
use crate::measure_error::{Context as _, Error};
use crate::visitor_events::{Visitor, stripe_event};
use dev::serve::{SANDBOX_KEY, local_client};
use stand_ins::dynamodb_table;
use stand_ins::fake_google::{self, FakeGoogle, GoogleOptions};
use stand_ins::sandbox::{EventType, Sandbox, SandboxOptions, Serving, WEBHOOK_SECRET};

/// How long the stored reading of a calendar stays fresh: longer than any run.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A salon, and the services that its functions call.
pub(super) struct Backend {
    /// The folder of the release build.
    release: PathBuf,
    /// The folder for logs and the salon file.
    folder: PathBuf,
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
    /// The repository's own salon, with a fresh reading of a Google calendar and a booking a day.
    Sample,
    /// A salon whose times never run out, without calendars.
    Busy,
}

impl Backend {
    /// Starts all services, with the table in memory.
    pub(super) async fn start(
        kind: SalonKind,
        release: &Path,
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
            .with_context(|| format!("could not write {}", salon_file.display()))?;

        let (listener, dynamodb_port) = listen().await?;
        let database = dynoxide::Database::new(":memory:").context("no embedded DynamoDB")?;
        let serving =
            dynoxide::server::serve_with_shutdown(listener, database, std::future::pending());
        let dynamodb = tokio::spawn(serving);
        create_table(&local_client(dynamodb_port)).await?;

        let unlimited = SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() };
        let stripe = Sandbox::start(unlimited, listen().await?.0).context("no payment sandbox")?;
        let google = FakeGoogle::start(GoogleOptions::default(), listen().await?.0)
            .context("no fake Google")?;
        google.google().set_busy("bench", []);
        let backend = Self {
            release: release.to_owned(),
            folder: folder.to_owned(),
            salon,
            salon_file,
            stripe,
            google,
            dynamodb,
            dynamodb_port,
            slots: Slots::after(clock.now()),
            clock: clock.clone(),
        };
        if kind == SalonKind::Sample {
            backend.fill().await?;
        }
        Ok(backend)
    }

    /// Returns a program of the release build, with this backend in its environment.
    pub(super) fn program(&self, name: &str) -> Program {
        Program {
            path: self.release.join(name),
            environment: self.environment(),
            log: self.folder.join(format!("{name}.log")),
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

    /// Stores a fresh reading of the calendar, and a booking on each open day.
    async fn fill(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let openings = openings(&self.salon, now);
        let hour = SignedDuration::from_hours(1);
        let busy = openings.iter().filter_map(|at| Interval::new(*at + hour * 2, *at + hour * 3));
        let source = SourceReading { busy: busy.collect(), version: None };
        let sources = BTreeMap::from([("google".to_owned(), source)]);
        let window = Interval::new(now - hour * 24, now + FRESH_FOR * 2).expect("it has a length");
        let reading = CalendarReading::new(sources, window, now + FRESH_FOR, now + FRESH_FOR);
        let store = DynamoStore::new(local_client(self.dynamodb_port), table::DEFAULT_NAME.into());
        for member in &self.salon.staff {
            let stored = store.put_reading(&member.id, &reading).await;
            stored.context("the table could not be filled")?;
        }
        let staff = self.salon.staff.first().map(|member| &member.id);
        let bookings = (0..).zip(openings);
        let events = bookings.map(|(number, at)| Visitor(number).book("2.02", at, staff).json());
        self.checkout(events.collect()).await?;
        Ok(())
    }

    /// Sends bookings to checkout, and returns its answers.
    async fn checkout(&self, events: Vec<String>) -> Result<Vec<Value>, Error> {
        let plan = EventPlan { events, untimed: 0, status: 201 };
        Ok(measure(self.program("checkout"), plan).await?.bodies)
    }

    /// Returns requests to book, each for another time and by another visitor.
    pub(super) fn bookings(&mut self, count: usize) -> Vec<String> {
        self.slots.by_ref().take(count).map(|slot| slot.book().json()).collect()
    }

    /// Makes bookings and pays them, and returns Stripe's signed events about that.
    pub(super) async fn payments(&mut self, count: usize) -> Result<Vec<String>, Error> {
        let events = self.bookings(count);
        let sandbox = self.stripe.sandbox();
        let mut sessions = HashSet::new();
        for body in self.checkout(events).await? {
            let session = body["sessionId"].as_str().unwrap_or_default();
            sandbox.pay(session).context("the sandbox refused a payment")?;
            sessions.insert(session.to_owned());
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

/// Creates the table without its stream. dynoxide searches the whole stream for the number
/// of each new record, so writes get slower and slower; `DynamoDB`'s stream does not slow
/// down writes.
async fn create_table(client: &Client) -> Result<(), Error> {
    let failed = "the embedded DynamoDB has no usable table";
    dynamodb_table::create(client, table::DEFAULT_NAME).await.context(failed)?;
    let no_stream = StreamSpecification::builder().stream_enabled(false).build();
    let update = client.update_table().table_name(table::DEFAULT_NAME);
    let update = update.stream_specification(no_stream.context(failed)?);
    update.send().await.context(failed)?;
    Ok(())
}

/// Listens on a free port of this machine.
async fn listen() -> Result<(TcpListener, u16), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
    let address = listener.local_addr().context("no free port")?;
    Ok((listener, address.port()))
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
