//! The staff's calendars: busy time is read from them, and bookings are
//! written into them.
//!
//! Busy time comes from iCal feeds and from Google Calendar. Both fail closed:
//! a calendar that cannot be read is a [`CalendarError`], never free time.
//! Feed addresses, keys and calendar ids are secrets ([`CalendarSecrets`]). No
//! error and no log line contains them.

mod calendar_error;
mod calendar_origins;
mod calendar_secrets;
mod calendar_url;
mod google_calendar;
mod ical_feed;
mod secret_json;
mod staff_calendars;

pub use calendar_error::CalendarError;
pub use calendar_origins::{Origins, UnknownCalendar};
pub use calendar_secrets::{CALENDAR_SECRETS, CalendarSecrets, GoogleSecrets};
pub use calendar_url::CalendarUrlError;
pub use google_calendar::{
    CalendarWriter, GoogleBaseUrl, GoogleCalendars, GoogleEvent, GoogleScope, ServiceAccount,
};
pub use ical_feed::{Feed, Fetched, MAX_FEED, Validators};
pub use secret_json::{ValidationError, ValidationErrors};
pub use staff_calendars::StaffCalendars;
