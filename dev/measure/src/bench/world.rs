//! What the functions find: the table, Stripe and Google, each of them in this
//! process and without delay.

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
use super::life::{Program, Questions, live, log_file};
use super::visitors::{self, Visitors};
use dev::serve::{SANDBOX_KEY, local_client};
use stand_ins::fake_google::{self, FakeGoogle, GoogleOptions};
use stand_ins::sandbox::{EventType, Sandbox, SandboxOptions, Serving, WEBHOOK_SECRET};

/// How many people work at the salon that is booked, and how many days of it are.
const STAFF: usize = 50;
const DAYS: usize = 40;
/// How much longer than the horizon the kept reading of a calendar is good for:
/// a clock that jumps must not leave it.
const LONGER: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A table, Stripe and Google, and a salon.
pub(super) struct World {
    salon: Salon,
    salon_file: PathBuf,
    stripe: Serving,
    google: fake_google::Serving,
    dynamodb: JoinHandle<Result<(), String>>,
    dynamodb_port: u16,
    visitors: Visitors,
    clock: Clock,
}

/// Which salon it is, and what has happened there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The repository's own salon with a Google calendar, which has been read and
    /// is fresh, and a booking a day.
    Filled,
    /// The same salon with an empty table.
    Cold,
    /// A salon with so many times that they do not run out.
    Large,
}

impl World {
    /// Serves everything, with an empty table in memory.
    ///
    /// # Errors
    /// When something cannot be served.
    pub(super) async fn start(kind: Kind, folder: &Path, clock: &Clock) -> Result<Self, Error> {
        let text = match kind {
            Kind::Filled | Kind::Cold => with_calendar(salon_file::COMPILED_IN),
            Kind::Large => large(),
        };
        let salon = salon_file::parse(&text).expect("the bench's salons are right");
        let salon_file = folder.join(format!("{kind:?}.toml").to_lowercase());
        std::fs::write(&salon_file, text)
            .map_err(|source| Error::Log { path: salon_file.clone(), source })?;

        let (listener, dynamodb_port) = listen("the embedded DynamoDB").await?;
        let database =
            dynoxide::Database::new(":memory:").map_err(world("the embedded DynamoDB"))?;
        let serving =
            dynoxide::server::serve_with_shutdown(listener, database, std::future::pending());
        let dynamodb = tokio::spawn(serving);
        create_table(&local_client(dynamodb_port)).await?;

        let (listener, _) = listen("the payment sandbox").await?;
        let unlimited = SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() };
        let stripe = Sandbox::start(unlimited, listener).map_err(world("the payment sandbox"))?;
        let (listener, _) = listen("the fake Google").await?;
        let google = FakeGoogle::start(GoogleOptions::default(), listener)
            .map_err(world("the fake Google"))?;
        google.google().set_busy("bench", []);
        let visitors = Visitors::new(first_midnight(&salon, clock.now()), STAFF, DAYS);
        let clock = clock.clone();
        Ok(Self { salon, salon_file, stripe, google, dynamodb, dynamodb_port, visitors, clock })
    }

    /// Returns a program of the release build, in this world.
    pub(super) fn program(&self, release: &Path, name: &str, folder: &Path) -> Program {
        Program {
            path: release.join(name),
            environment: self.environment(),
            log: log_file(folder, name),
        }
    }

    /// The variables of a deployed function, but that they lead here.
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

    /// Asks `events` of a function that is to answer each with `status`.
    pub(super) fn questions(&self, events: Vec<String>, untimed: usize, status: u16) -> Questions {
        let deadline = self.clock.now() + SignedDuration::from_hours(1);
        Questions { events, untimed, status, deadline_ms: deadline.as_millisecond() }
    }

    /// Fills the table: a reading of the calendar that stays fresh, and a booking
    /// on each day that has one.
    ///
    /// # Errors
    /// When the table or `checkout` refuses.
    pub(super) async fn fill(&mut self, checkout: Program) -> Result<(), Error> {
        let now = self.clock.now();
        let openings = openings(&self.salon, now);
        let hour = SignedDuration::from_hours(1);
        let busy = openings.iter().filter_map(|at| Interval::new(*at + hour * 2, *at + hour * 3));
        let source = SourceReading { busy: busy.collect(), version: None };
        let sources = BTreeMap::from([("google".to_owned(), source)]);
        let window = Interval::new(now - hour * 24, now + LONGER * 2).expect("it has a length");
        // A clock that jumps finds it read not long ago, too.
        let reading = CalendarReading::new(sources, window, now + LONGER, now + LONGER);
        let store = DynamoStore::new(local_client(self.dynamodb_port), table::DEFAULT_NAME.into());
        for member in &self.salon.staff {
            store.put_reading(&member.id, &reading).await.map_err(Error::Fill)?;
        }
        let visitors = &mut self.visitors;
        let events = openings.iter().map(|at| visitors.book("2.02", "s1", *at)).collect();
        live(checkout, self.questions(events, 0, 201)).await?;
        Ok(())
    }

    /// Returns that many requests to book, each another time by another visitor.
    pub(super) fn bookings(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.visitors.book_next()).collect()
    }

    /// Books that many times by `checkout`, has them paid, and returns what Stripe
    /// tells of it, signed.
    ///
    /// # Errors
    /// When `checkout` refuses.
    pub(super) async fn payments(
        &mut self,
        checkout: Program,
        count: usize,
    ) -> Result<Vec<String>, Error> {
        let events = self.bookings(count);
        let booked = live(checkout, self.questions(events, 0, 201)).await?;
        let sandbox = self.stripe.sandbox();
        let sessions: Vec<String> = booked.bodies.iter().filter_map(|body| session(body)).collect();
        for session in &sessions {
            sandbox.pay(session).map_err(world("a payment"))?;
        }
        let at = self.clock.now();
        let told = sandbox.events().into_iter().filter(|event| {
            event.kind == EventType::SessionCompleted && sessions.contains(&event.object)
        });
        Ok(told.map(|event| visitors::told_by_stripe(event.body(), at)).collect())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.dynamodb.abort();
    }
}

fn session(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    body["sessionId"].as_str().map(str::to_owned)
}

/// Creates the table without its stream. dynoxide looks through the whole stream
/// for the number of each new record, so that a write takes the longer the more
/// there have been; a stream of `DynamoDB` costs the writer nothing.
async fn create_table(client: &Client) -> Result<(), Error> {
    table::create(client, table::DEFAULT_NAME).await.map_err(Error::Table)?;
    let no_stream = StreamSpecification::builder().stream_enabled(false).build();
    client
        .update_table()
        .table_name(table::DEFAULT_NAME)
        .stream_specification(no_stream.map_err(world("a table without a stream"))?)
        .send()
        .await
        .map_err(world("a table without a stream"))?;
    Ok(())
}

async fn listen(what: &'static str) -> Result<(TcpListener, u16), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(world(what))?;
    let address = listener.local_addr().map_err(world(what))?;
    Ok((listener, address.port()))
}

fn world<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl Fn(E) -> Error {
    move |source| Error::World { what, source: source.into() }
}

/// When the salon opens, on each day on which it does.
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

fn first_midnight(salon: &Salon, now: Timestamp) -> Timestamp {
    let tomorrow = salon.horizon(now).dates().nth(1).unwrap_or(salon.horizon(now).last);
    Day::new(tomorrow, &salon.time_zone).span().start()
}

/// Gives the sample salon's only person a calendar.
fn with_calendar(salon: &str) -> String {
    salon.replace("id = \"s1\"", "id = \"s1\"\ncalendars = [{ google = \"bench\" }]")
}

/// A salon that is open day and night, with many people.
fn large() -> String {
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let hours = week.map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    let staff: [String; STAFF] = std::array::from_fn(|number| {
        format!(
            "[[staff]]
id = \"s{number}\"
name = \"Person {number}\"
"
        )
    });
    let staff = staff.concat();
    format!(
        "name = \"Large\"\ncountry = \"US\"\ntime_zone = \"America/Los_Angeles\"\ncurrency = \"usd\"\n\
         [booking]\nhorizon_days = {}\nnotice_minutes = 0\nslot_step_minutes = 30\n\
         [deposit]\ndefault = 50\nbare = true\n\
         [cancellation]\nfull_refund_hours = 24\nlate_refund_percent = 0\n\
         [hours]\n{hours}\
         [site]\nallowed_origins = [\"https://salon.example\"]\nreturn_url = \"https://salon.example/done\"\n\
         [[services]]\nid = \"cut\"\ncategory = \"All\"\ntitle = \"Cut\"\nduration_minutes = 30\nprice = 100\n\
         {staff}",
        DAYS + 2
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_salon_has_more_times_than_a_run_books() {
        let salon = salon_file::parse(&large()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(salon.staff.len(), STAFF);
        assert!(
            STAFF * DAYS * visitors::TIMES_A_DAY > 10 * usize::from(super::super::MOST_REQUESTS)
        );
    }

    #[test]
    fn the_sample_salon_gets_one_calendar_and_opens_on_most_days() {
        let salon = salon_file::parse(&with_calendar(salon_file::COMPILED_IN)).unwrap();
        assert!(salon.staff.iter().all(|member| member.calendars.len() == 1));
        let now = "2026-11-23T07:00:00-08:00".parse().unwrap();
        assert!(openings(&salon, now).len() > 30);
    }
}
