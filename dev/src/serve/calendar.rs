//! `--calendar`: gives everybody at the salon a calendar to try out.

use std::hash::{DefaultHasher, Hasher};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use shared::salon_file;
use tokio::net::TcpListener;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::Error;

/// The name under which the salon file and the secrets know the calendar.
const NAME: &str = "dev";
/// For how long a reading is fresh: an edit is to be seen soon.
const FRESH_SECONDS: i64 = 20;

/// A calendar, and a copy of the salon file that names it.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The salon file to serve.
    pub(super) salon: PathBuf,
    /// What `CALENDAR_SECRETS` is to be.
    pub(super) secrets: String,
}

/// Serves a file on this machine, or takes an address as it is, and writes a
/// salon file into `folder` in which everybody has that calendar alone.
///
/// # Errors
///
/// Fails if the calendar's or the salon's file cannot be read, or the copy not
/// written.
pub(super) async fn give(
    named: &str,
    salon: Option<&Path>,
    folder: &Path,
) -> Result<Calendar, Error> {
    let address =
        if named.contains("://") { named.to_owned() } else { serve(Path::new(named)).await? };
    let text = match salon {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| Error::Salon { path: path.to_owned(), source })?,
        None => salon_file::COMPILED_IN.to_owned(),
    };
    let copy = folder.join("salon-with-calendar.toml");
    std::fs::write(&copy, with_calendar(&text))
        .map_err(|source| Error::Data { path: copy.clone(), source })?;
    let secrets = json!({ "feeds": { NAME: address } }).to_string();
    Ok(Calendar { salon: copy, secrets })
}

/// Gives everybody in a valid salon file the calendar.
fn with_calendar(salon: &str) -> String {
    let Ok(mut salon) = salon.parse::<DocumentMut>() else { return salon.to_owned() };
    let name = InlineTable::from_iter([("ical", NAME)]);
    let calendars = Value::Array(Array::from_iter([name]));
    match salon.get_mut("staff") {
        Some(Item::ArrayOfTables(staff)) => {
            for member in staff.iter_mut() {
                member.insert("calendars", value(calendars.clone()));
            }
        }
        Some(Item::Value(Value::Array(staff))) => {
            for member in staff.iter_mut().filter_map(Value::as_inline_table_mut) {
                member.insert("calendars", calendars.clone());
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
            async move { answer(&file, &headers).await }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}/calendar.ics"))
}

/// Answers with the file as it is now, or 304 if it is as it was.
async fn answer(file: &Path, request: &HeaderMap) -> Response {
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
    use shared::domain::calendar::CalendarName;

    use super::*;

    #[test]
    fn everybody_has_the_calendar_and_no_other() {
        let two = "[[staff]]\nid = \"s2\"\nname = \"Second\"\ncalendars = [{ google = \"own\" }]\n";
        let text = with_calendar(&format!("{}{two}", salon_file::COMPILED_IN));
        let salon = salon_file::parse(&text).expect("a salon as before, with calendars");
        for member in &salon.staff {
            assert_eq!(member.calendars, [CalendarName::Ical(NAME.to_owned())], "{}", member.id);
        }
        assert_eq!(salon.calendar_fresh_seconds, 20);
    }

    #[tokio::test]
    async fn a_file_is_served_as_it_is_now_with_its_version() {
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
