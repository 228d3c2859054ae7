//! `--calendar`: gives every staff member a calendar for development.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp, ToSpan};
use openchair::calendars::CALENDAR_SECRETS;
use openchair::clock::Clock;
use salon::Salon;
use salon::salon_file;
use serde_json::{Value as Json, json};
use stand_ins::fake_google;
use tokio::net::TcpListener;

use super::Error;
use super::environment::Environment;
use super::serve_error::could_not;

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
        Some(path) => std::fs::read_to_string(path).map_err(could_not("read the salon file"))?,
        None => salon_file::COMPILED_IN.to_owned(),
    };
    let text = with_calendars(&text, source.kind()).map_err(could_not("read the salon file"))?;
    let copy = folder.join("salon-with-calendar.toml");
    let salon = salon_file::parse(&text)
        .map_err(|problems| Error::SalonInvalid { path: copy.clone(), problems })?;
    std::fs::write(&copy, text).map_err(could_not("write a copy of the salon file"))?;
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
        environment.insert("GOOGLE_API_BASE", Some(google.url().into()));
    }
    if let Some(calendar) = calendar {
        environment.insert(CALENDAR_SECRETS, Some(calendar.secrets.as_str().into()));
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

/// Returns a `curl` command that blocks an hour of the first staff member's day tomorrow.
fn busy_command(salon: &Salon, google: &fake_google::Serving) -> String {
    let Some(member) = salon.staff.first() else { return String::new() };
    let now = Clock::machine().now();
    let tomorrow = salon.time_zone.to_datetime(now).date().saturating_add(1.day());
    let start = salon.time_zone.to_ambiguous_timestamp(tomorrow.at(12, 0, 0, 0)).compatible();
    let start = start.unwrap_or(now);
    let shown = |at: Timestamp| at.display_with_offset(salon.time_zone.to_offset(at)).to_string();
    let (start, end) = (shown(start), shown(start + SignedDuration::from_hours(1)));
    let busy = format!(r#"{{"start":"{start}","end":"{end}"}}"#);
    format!("curl {}/calendars/{}/busy --json '{busy}'", google.url(), member.id)
}

/// Replaces the calendars of every staff member in a salon file.
fn with_calendars(salon: &str, kind: &str) -> Result<String, toml::de::Error> {
    let mut salon: toml::Table = salon.parse()?;
    let staff = salon.get_mut("staff").and_then(toml::Value::as_array_mut);
    let members = staff.into_iter().flatten().filter_map(toml::Value::as_table_mut);
    for (number, member) in members.enumerate() {
        let calendar = toml::Table::from_iter([(kind.to_owned(), name(number).into())]);
        member.insert("calendars".to_owned(), vec![calendar].into());
    }
    let rules = salon.entry("calendars").or_insert_with(|| toml::Table::new().into());
    if let Some(rules) = rules.as_table_mut() {
        rules.insert("fresh_seconds".to_owned(), FRESH_SECONDS.into());
    }
    Ok(salon.to_string())
}

/// Serves the current content of a file, and returns its URL.
async fn serve(file: &Path) -> Result<String, Error> {
    let file: PathBuf = file.to_owned();
    let shown = file.display();
    let doing = format!("read the calendar {shown}: give a file, or a URL with ://");
    std::fs::read(&file).map_err(could_not(doing))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(could_not("listen on a port"))?;
    let address = listener.local_addr().map_err(could_not("listen on a port"))?;
    let read = async move || {
        let file = tokio::fs::read(&file).await.map_err(|_| StatusCode::NOT_FOUND)?;
        Ok::<_, StatusCode>(([("content-type", "text/calendar")], file))
    };
    let router = Router::new().route("/calendar.ics", get(read));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}/calendar.ics"))
}

#[cfg(test)]
mod tests {
    use openchair::busy::Origin as _;
    use openchair::calendars::{CalendarSecrets, Origins};
    use salon::interval::{Interval, IntervalSet};
    use salon::staff_calendar::CalendarName;

    use super::*;
    use stand_ins::fake_google::{FakeGoogle, GoogleOptions};

    /// A salon with two staff members, the second with a calendar.
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
        let salon = salon_file::parse(&with_calendars(&two(), "ical").expect("TOML"))
            .expect("a salon as before");
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
        let salon = salon_file::parse(&with_calendars(&two(), "google").expect("TOML"))
            .expect("a salon as before");
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
    async fn a_file_is_served_as_it_is_now() {
        let file =
            std::env::temp_dir().join(format!("openchair-calendar-{}.ics", std::process::id()));
        std::fs::write(&file, "first").expect("the file can be written");
        let address = serve(&file).await.expect("the file can be served");
        let get = async || {
            let answer = reqwest::get(&address).await.expect("an answer");
            answer.text().await.expect("text")
        };
        assert_eq!(get().await, "first");
        std::fs::write(&file, "second").expect("the file can be written");
        assert_eq!(get().await, "second");
        std::fs::remove_file(&file).expect("the file can be removed");
    }
}
