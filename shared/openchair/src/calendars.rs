//! Calendars: where a staff member's busy time comes from, and where bookings
//! are shown.
//!
//! Two origins: [`feed`] reads an iCal feed, [`google`] asks Google Calendar.
//! Both fail closed: what cannot be read is a [`CalendarError`], never free
//! time. Addresses, keys and calendar ids are in [`secrets`], and in no error
//! and no log.

mod address;
mod document;
mod entries;
mod error;
pub mod feed;
pub mod google;

mod origins;
pub mod secrets;

pub use address::AddressError;
pub use document::{Problem, Problems};
pub use entries::Entries;
pub use error::CalendarError;
pub use origins::{Origins, UnknownCalendar};
