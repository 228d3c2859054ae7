//! The table, Stripe and Google for the functions: all in this process, without delay.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::StreamSpecification;
use jiff::{SignedDuration, Timestamp};
use openchair::calendars::CALENDAR_SECRETS;
use openchair::store::{DynamoStore, Store as _, table};
use salon::Salon;
use salon::day::Day;
use salon::interval::Interval;
use salon::salon_file;
use salon::staff_calendar::{CalendarReading, SourceReading};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::function_process::{EventPlan, Program, measure};
use crate::busy_salon::{self, Slots};
use crate::measure_error::{Context as _, Error};
use crate::visitor_events::Visitor;
use dev::serve::{SANDBOX_KEY, local_client};
use stand_ins::dynamodb_table;
use stand_ins::fake_google::{self, FakeGoogle, GoogleOptions};
use stand_ins::sandbox::{Sandbox, SandboxOptions, Serving};

/// How long the stored reading of a calendar stays fresh: longer than any run.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A salon, and the services that its functions call.
pub(super) struct Backend {
    release: PathBuf,
    /// The folder for logs and the salon file.
    folder: PathBuf,
    /// The variables of a deployed function, with the addresses of the services.
    environment: Vec<(&'static str, OsString)>,
    /// Times of the busy salon.
    slots: Slots,
    _services: (Serving, fake_google::Serving, JoinSet<Result<(), String>>),
}

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
        now: Timestamp,
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
        let mut dynamodb = JoinSet::new();
        dynamodb.spawn(serving);
        let client = local_client(dynamodb_port);
        create_table(&client).await?;

        let unlimited = SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() };
        let stripe = Sandbox::start(unlimited, listen().await?.0).context("no payment sandbox")?;
        let google = FakeGoogle::start(GoogleOptions::default(), listen().await?.0)
            .context("no fake Google")?;
        google.google().set_busy("bench", []);
        let calendars = json!({ "google": {
            "serviceAccount": google.service_account(),
            "calendars": { "bench": "bench" },
        } });
        let environment = vec![
            ("TABLE_NAME", table::DEFAULT_NAME.into()),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://127.0.0.1:{dynamodb_port}").into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", "local".into()),
            ("AWS_SECRET_ACCESS_KEY", "local".into()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".into()),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO".into()),
            ("METRICS_NAMESPACE", "openchair".into()),
            ("SALON_FILE", salon_file.into()),
            ("STRIPE_SECRET_KEY", SANDBOX_KEY.into()),
            ("STRIPE_API_BASE", stripe.url().into()),
            ("GOOGLE_API_BASE", google.url().into()),
            (CALENDAR_SECRETS, calendars.to_string().into()),
        ];
        let backend = Self {
            release: release.to_owned(),
            folder: folder.to_owned(),
            environment,
            slots: Slots::after(now),
            _services: (stripe, google, dynamodb),
        };
        if kind == SalonKind::Sample {
            backend.fill(&salon, now, client).await?;
        }
        Ok(backend)
    }

    /// Returns a program of the release build, with this backend in its environment.
    pub(super) fn program(&self, name: &str) -> Program {
        Program {
            path: self.release.join(name),
            environment: self.environment.clone(),
            log: self.folder.join(format!("{name}.log")),
        }
    }

    /// Stores a fresh reading of the calendar, and a booking on each open day.
    async fn fill(&self, salon: &Salon, now: Timestamp, client: Client) -> Result<(), Error> {
        let openings = openings(salon, now);
        let hour = SignedDuration::from_hours(1);
        let busy = openings.iter().filter_map(|at| Interval::new(*at + hour * 2, *at + hour * 3));
        let source = SourceReading { busy: busy.collect(), version: None };
        let sources = BTreeMap::from([("google".to_owned(), source)]);
        let window = Interval::new(now - hour * 24, now + FRESH_FOR * 2).expect("it has a length");
        let reading = CalendarReading::new(sources, window, now + FRESH_FOR, now + FRESH_FOR);
        let store = DynamoStore::new(client, table::DEFAULT_NAME.into());
        for member in &salon.staff {
            let stored = store.put_reading(&member.id, &reading).await;
            stored.context("the table could not be filled")?;
        }
        let staff = salon.staff.first().map(|member| &member.id);
        let bookings = (0..).zip(openings);
        let events = bookings.map(|(number, at)| Visitor(number).book("2.02", at, staff).json());
        let plan = EventPlan { events: events.collect(), untimed: 0, status: Some(201) };
        measure(self.program("checkout"), plan).await?;
        Ok(())
    }

    /// Returns requests to book, each for another time and by another visitor.
    pub(super) fn bookings(&self, count: usize) -> Vec<String> {
        (0..count).filter_map(|_| Some(self.slots.next()?.book().json())).collect()
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
