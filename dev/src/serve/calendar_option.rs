//! `--calendar`: gives every staff member a calendar for development.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hasher};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use openchair::calendars::CALENDAR_SECRETS;
use openchair::clock::Clock;
use salon::Salon;
use salon::day::Day;
use salon::interval::Interval;
use salon::salon_file;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::Error;
use super::environment::Environment;
use stand_ins::fake_google;

/// How long a reading stays fresh: short, so that edits show soon.
const FRESH_SECONDS: i64 = 20;

/// Where the calendars come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarSource {
    Google,
    /// The URL of an iCal feed.
    Address(String),
    /// An iCal file.
    File(PathBuf),
}

impl FromStr for CalendarSource {
    type Err = Infallible;

    /// Parses `google` as the fake Google; a file of that name can be given as `./google`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "google" => Self::Google,
            text if text.contains("://") => Self::Address(text.to_owned()),
            text => Self::File(text.into()),
        })
    }
}

impl CalendarSource {
    /// Returns the key of such a calendar in the salon file.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Address(_) | Self::File(_) => "ical",
        }
    }
}

/// The calendars, and a copy of the salon file that names them.
pub(super) struct Calendar {
    /// The salon file to serve.
    pub(super) salon: PathBuf,
    /// A description for the table of addresses.
    pub(super) shown: String,
    /// The value of `CALENDAR_SECRETS`.
    secrets: String,
}

/// Writes a copy of the salon file into `folder` in which every staff member has a calendar.
/// Serves the calendar if it is a file.
pub(super) async fn prepare(
    source: &CalendarSource,
    google: &fake_google::Serving,
    salon: Option<&Path>,
    folder: &Path,
) -> Result<Calendar, Error> {
    let text = match salon {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| Error::Salon { path: path.to_owned(), source })?,
        None => salon_file::COMPILED_IN.to_owned(),
    };
    let text = with_calendars(&text, source.kind());
    let copy = folder.join("salon-with-calendar.toml");
    let salon = salon_file::parse(&text)
        .map_err(|problems| Error::SalonInvalid { path: copy.clone(), problems })?;
    std::fs::write(&copy, text).map_err(|source| Error::Data { path: copy.clone(), source })?;
    let (shown, secrets) = match source {
        CalendarSource::Google => (busy_command(&salon, google), google_secrets(&salon, google)),
        CalendarSource::Address(address) => {
            ("the given URL".to_owned(), feed_secrets(&salon, address))
        }
        CalendarSource::File(file) => {
            let address = serve(file).await?;
            (file.display().to_string(), feed_secrets(&salon, &address))
        }
    };
    Ok(Calendar { salon: copy, shown, secrets: secrets.to_string() })
}

/// Sets the functions' variables for calendars. A developer's own `CALENDAR_SECRETS` keep
/// Google's real API, unless `--calendar` was given.
pub(super) fn set_variables(
    environment: &mut Environment,
    calendar: Option<&Calendar>,
    google: &fake_google::Serving,
) {
    let has_own = std::env::var_os(CALENDAR_SECRETS).is_some_and(|set| !set.is_empty());
    if calendar.is_some() || !has_own {
        environment.set.push(("GOOGLE_API_BASE", google.url().into()));
    }
    if let Some(calendar) = calendar {
        environment.set.push((CALENDAR_SECRETS, calendar.secrets.as_str().into()));
    }
}

/// Returns a calendar's name, which links the salon file to the secrets.
fn name(number: usize) -> String {
    format!("dev-{number}")
}

fn feed_secrets(salon: &Salon, address: &str) -> Json {
    let feeds: BTreeMap<_, _> = (0..salon.staff.len()).map(|n| (name(n), address)).collect();
    json!({ "feeds": feeds })
}

/// Creates a calendar for every staff member at the fake Google. Its id is theirs.
fn google_secrets(salon: &Salon, google: &fake_google::Serving) -> Json {
    let ids = salon.staff.iter().map(|member| member.id.as_str());
    let calendars: BTreeMap<_, _> = ids.enumerate().map(|(n, id)| (name(n), id)).collect();
    for id in calendars.values() {
        google.google().set_busy(id, []);
    }
    json!({ "google": { "serviceAccount": google.service_account(), "calendars": calendars } })
}

/// Returns a `curl` command that blocks the first working hour of a staff member's next
/// working day.
fn busy_command(salon: &Salon, google: &fake_google::Serving) -> String {
    let Some(member) = salon.staff.first() else { return String::new() };
    let now = Clock::machine().now();
    let days = salon.horizon(now).dates().skip(1).filter(|date| !salon.is_closed_on(*date));
    let opening = days.map(|date| Day::new(date, &salon.time_zone)).find_map(|day| {
        let working = day.instants(salon.hours_of(member).on(day.date().weekday()));
        working.iter().next().map(Interval::start)
    });
    let start = opening.unwrap_or(now);
    let shown = |at: Timestamp| at.display_with_offset(salon.time_zone.to_offset(at)).to_string();
    let (start, end) = (shown(start), shown(start + SignedDuration::from_hours(1)));
    let busy = format!(r#"{{"start":"{start}","end":"{end}"}}"#);
    format!("curl {}/calendars/{}/busy --json '{busy}'", google.url(), member.id)
}

/// Replaces the calendars of every staff member in a valid salon file.
fn with_calendars(salon: &str, kind: &str) -> String {
    let Ok(mut salon) = salon.parse::<DocumentMut>() else { return salon.to_owned() };
    let calendars = |number| {
        let calendar = InlineTable::from_iter([(kind, name(number))]);
        Value::Array(Array::from_iter([calendar]))
    };
    match salon.get_mut("staff") {
        Some(Item::ArrayOfTables(staff)) => {
            for (number, member) in staff.iter_mut().enumerate() {
                member.insert("calendars", value(calendars(number)));
            }
        }
        Some(Item::Value(Value::Array(staff))) => {
            let staff = staff.iter_mut().filter_map(Value::as_inline_table_mut);
            for (number, member) in staff.enumerate() {
                member.insert("calendars", calendars(number));
            }
        }
        _ => {}
    }
    let rules = salon.entry("calendars").or_insert(Item::Table(Table::new()));
    rules["fresh_seconds"] = value(FRESH_SECONDS);
    salon.to_string()
}

async fn serve(file: &Path) -> Result<String, Error> {
    let failed = |source| Error::Calendar { path: file.to_owned(), source };
    std::fs::read(file).map_err(failed)?;
    let file = std::path::absolute(file).map_err(failed)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::Listener)?;
    let address = listener.local_addr().map_err(Error::Listener)?;
    let router = Router::new().route(
        "/calendar.ics",
        get(move |headers: HeaderMap| {
            let file = file.clone();
            async move { respond(&file, &headers).await }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}/calendar.ics"))
}

/// Responds with the file's current content, or 304 if the `ETag` matches.
async fn respond(file: &Path, request: &HeaderMap) -> Response {
    let Ok(body) = tokio::fs::read(file).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let known =
        request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    if known {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    ([(header::CONTENT_TYPE, "text/calendar".to_owned()), (header::ETAG, etag)], body)
        .into_response()
}

#[cfg(test)]
mod tests {
    use openchair::busy::Origin as _;
    use openchair::calendars::{CalendarSecrets, Origins};
    use salon::interval::IntervalSet;
    use salon::staff_calendar::CalendarName;

    use super::*;
    use stand_ins::fake_google::{FakeGoogle, GoogleOptions};

    /// A salon with two staff members, of whom the second has a calendar.
    fn two() -> String {
        let second =
            "[[staff]]\nid = \"s2\"\nname = \"Second\"\ncalendars = [{ google = \"own\" }]\n";
        format!("{}{second}", salon_file::COMPILED_IN)
    }

    async fn google() -> fake_google::Serving {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        FakeGoogle::start(GoogleOptions::default(), listener).expect("a fake Google")
    }

    #[test]
    fn every_staff_member_gets_exactly_one_calendar() {
        let salon = salon_file::parse(&with_calendars(&two(), "ical")).expect("a salon as before");
        let calendars: Vec<_> = salon.staff.iter().map(|member| &member.calendars).collect();
        let ical = |name: &str| vec![CalendarName::Ical(name.to_owned())];
        assert_eq!(calendars, [&ical("dev-0"), &ical("dev-1")]);
        assert_eq!(salon.calendar_fresh_seconds, 20);
    }

    #[test]
    fn the_option_is_google_a_url_or_a_file() {
        for (text, expected) in [
            ("google", CalendarSource::Google),
            ("./google", CalendarSource::File("./google".into())),
            ("some.ics", CalendarSource::File("some.ics".into())),
            ("webcal://a.example/b", CalendarSource::Address("webcal://a.example/b".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(expected));
        }
    }

    #[tokio::test]
    async fn busy_time_added_by_the_printed_command_is_read_back() {
        let google = google().await;
        let salon =
            salon_file::parse(&with_calendars(&two(), "google")).expect("a salon as before");
        let secrets = google_secrets(&salon, &google).to_string();
        let secrets = CalendarSecrets::parse(&secrets.into()).expect("the secrets are understood");
        let base = google.url().parse().expect("an address on this machine");
        let origins = Origins::new(&salon, secrets, base).expect("every calendar is there");

        let command = busy_command(&salon, &google);
        let (url, body) = command
            .strip_prefix("curl ")
            .and_then(|it| it.split_once(" --json "))
            .expect("a URL and a body");
        let body: Json = serde_json::from_str(body.trim_matches('\'')).expect("JSON");
        let added = reqwest::Client::new().post(url).json(&body).send().await.expect("an answer");
        assert_eq!(added.status(), StatusCode::OK);

        let instant =
            |key: &str| body[key].as_str().and_then(|it| it.parse().ok()).expect("an instant");
        let busy: IntervalSet<_> =
            Interval::new(instant("start"), instant("end")).into_iter().collect();
        let now = Clock::machine().now();
        let window =
            Interval::new(now, now + SignedDuration::from_hours(43 * 24)).expect("43 days");
        let read = async |index: usize| {
            let sources = origins.read(&salon.staff[index], window, None).await.expect("a reading");
            sources["google"].busy.clone()
        };
        assert_eq!(read(0).await, busy);
        assert!(read(1).await.is_empty(), "the other calendar should not change");
    }

    #[tokio::test]
    async fn a_file_is_served_with_an_etag_that_changes_with_it() {
        let file =
            std::env::temp_dir().join(format!("openchair-calendar-{}.ics", std::process::id()));
        std::fs::write(&file, "first").expect("the file can be written");
        let address = serve(&file).await.expect("the file can be served");
        let client = reqwest::Client::new();
        let first = client.get(&address).send().await.expect("an answer");
        let etag = first.headers()["etag"].clone();
        assert_eq!(first.text().await.expect("text"), "first");

        let ask = || client.get(&address).header("if-none-match", etag.clone()).send();
        assert_eq!(ask().await.expect("an answer").status(), 304);
        std::fs::write(&file, "second").expect("the file can be written");
        assert_eq!(ask().await.expect("an answer").text().await.expect("text"), "second");
        std::fs::remove_file(&file).expect("the file can be removed");
    }
}
