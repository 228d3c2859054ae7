use std::process::{Command, Stdio};
use std::{env, io::Write as _};

use ical::{TimeRange, busy_times};
use mail_parser::MimeHeaders as _;

use super::injection::{NAMES, named};
use super::*;

/// The calendar files of all mails, with usual names and with others.
fn files() -> Vec<String> {
    let usual =
        all_news().into_iter().flat_map(|(news, booking)| write(&news, &booking, &salon(), now()));
    let unusual = NAMES.iter().flat_map(|name| named(name, &Notification::Confirmed, &booking()));
    let invitations = usual.chain(unusual).filter_map(|mail| mail.invitation);
    invitations.map(|invitation| invitation.text).collect()
}

#[test]
fn a_calendar_file_arrives_as_it_was_written_and_says_its_method() {
    for (news, booking) in all_news() {
        for mail in write(&news, &booking, &salon(), now()) {
            let read = read(&mail);
            let part = read.attachments().find(|part| {
                part.content_type().is_some_and(|kind| kind.subtype() == Some("calendar"))
            });
            assert_eq!(part.is_some(), mail.invitation.is_some(), "{}", mail.id);
            let (Some(part), Some(invitation)) = (part, mail.invitation) else { continue };
            assert_eq!(part.text_contents(), Some(invitation.text.as_str()), "{}", mail.id);
            let kind = part.content_type().unwrap();
            assert_eq!(kind.attribute("method"), Some(invitation.method.as_str()));
            assert!(
                invitation.text.contains(&format!("METHOD:{}\r\n", invitation.method.as_str()))
            );
            assert_eq!(part.attachment_name(), Some("appointment.ics"));
        }
    }
}

#[test]
fn only_who_keeps_a_feed_gets_the_owners_file() {
    let mut salon = salon();
    let files = |salon: &Salon| {
        let mails = write(&Notification::Confirmed, &booking(), salon, now());
        mails.into_iter().map(|mail| mail.invitation.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(files(&salon), [true, true]);
    salon.staff[0].calendars.push(CalendarName::Google("ann".to_owned()));
    assert_eq!(files(&salon), [true, false], "it is written there");
    salon.staff[0].calendars.clear();
    assert_eq!(files(&salon), [true, false], "there is no calendar");
}

#[test]
fn our_own_reader_understands_every_file() {
    let day = TimeRange::new(
        "2026-11-24T00:00:00Z".parse().unwrap(),
        "2026-11-25T00:00:00Z".parse().unwrap(),
    );
    for file in files() {
        let busy = busy_times(file.as_bytes(), day.unwrap(), &salon().time_zone).unwrap();
        let expected = usize::from(file.contains("METHOD:PUBLISH"));
        assert_eq!(busy.len(), expected, "{file}");
    }
}

/// Another's reader: a Python in which the package icalendar is installed, named
/// by `ICALENDAR_PYTHON`. It raises at a file it cannot parse, and lists what it
/// could not understand of one that it can.
#[test]
fn the_package_icalendar_understands_every_file() {
    const PROGRAM: &str = r#"
import sys
from icalendar import Calendar
calendar = Calendar.from_ical(sys.stdin.buffer.read())
[event] = calendar.walk("VEVENT")
assert not calendar.errors and not event.errors, (calendar.errors, event.errors)
for key in ("PRODID", "VERSION", "METHOD"):
    assert key in calendar, key
for key in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "ORGANIZER", "SUMMARY", "STATUS"):
    assert key in event, key
assert event.decoded("DTSTART").isoformat() == "2026-11-24T18:00:00+00:00", event["DTSTART"]
print(event["SUMMARY"])
"#;
    let Ok(python) = env::var("ICALENDAR_PYTHON") else { return };
    let files = files();
    assert!(files.len() >= 30, "there are files to check");
    for file in files {
        let mut process = Command::new(&python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ICALENDAR_PYTHON is a Python");
        process.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{file}");
        assert!(!output.stdout.is_empty(), "{file}");
    }
}
