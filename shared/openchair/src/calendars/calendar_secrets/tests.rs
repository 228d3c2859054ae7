use serde_json::json;

use super::*;
use crate::calendars::google_calendar::tests::key_file;

fn parse(json: &str) -> Result<CalendarSecrets, ValidationErrors> {
    CalendarSecrets::parse(&json.into())
}

#[test]
fn feeds_and_calendars_are_found_by_name() {
    let document = json!({
        "feeds": {"owner": "webcal://calendar.example/hidden.ics", "owner-2": "https://b.example/"},
        "google": {
            "serviceAccount": key_file("https://oauth2.example/token"),
            "subject": "hidden@salon.example",
            "calendars": {"owner": "hidden@group.calendar.google.com"},
        },
    });
    let secrets = parse(&document.to_string()).unwrap();
    assert!(secrets.feed("owner").is_some());
    assert!(secrets.feed("owner-2").is_some());
    assert!(secrets.feed("nobody").is_none());
    assert_eq!(secrets.google_calendar("owner"), Some("hidden@group.calendar.google.com"));
    assert_eq!(secrets.google_calendar("owner-2"), None);
    assert_eq!(secrets.google().unwrap().subject(), Some("hidden@salon.example"));
    let shown = format!("{secrets:?}");
    assert!(!shown.contains("hidden") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn every_part_is_optional() {
    let nothing = parse("{}").unwrap();
    assert!(nothing.google().is_none() && nothing.google_calendar("owner").is_none());
    assert!(parse(r#"{"feeds": {}}"#).is_ok());
    let account = json!({"google": {"serviceAccount": key_file("https://oauth2.example/token")}});
    let secrets = parse(&account.to_string()).unwrap();
    assert_eq!(secrets.google().unwrap().subject(), None);
}

#[test]
fn all_errors_are_reported_at_once_without_values() {
    let document = r#"{
        "feed": {"owner": "https://calendar.example/hidden.ics"},
        "feeds": {
            "a": "http://calendar.example/hidden.ics",
            "b": "", "c": 7, "d": "https://calendar.example/hidden.ics", "d": "https://b.example/",
            "https://calendar.example/hidden.ics": "e"
        },
        "google": {
            "service_account": {}, "subject": ["hidden"],
            "calendars": {"owner": {"hidden": "hidden"}}
        }
    }"#;
    let errors = parse(document).unwrap_err();
    let expected = "\
CALENDAR_SECRETS.feed: unknown field, expected one of feeds, google
feeds.d: occurs more than once
feeds.a: it must begin with https://, so that the connection is encrypted
feeds.b: is empty
feeds.c: must be text
feeds.(a key): a name has at most 40 letters, digits, _ and -
feeds.(a key): it must be an address that begins with https://
google.service_account: unknown field, expected one of serviceAccount, subject, calendars
google.calendars.owner: must be text
google.subject: must be text
google.serviceAccount: is missing";
    assert_eq!(errors.to_string(), expected);
    assert!(!format!("{errors:?}").contains("hidden"));
}

#[test]
fn text_that_is_not_a_json_object_is_not_quoted_in_the_error() {
    for text in ["hidden", "[\"hidden\"]", "\"hidden\"", "{\"feeds\": hidden", ""] {
        let errors = parse(text).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("hidden"), "{errors:?}");
        assert!(errors.to_string().starts_with("CALENDAR_SECRETS: "), "{errors}");
    }
}
