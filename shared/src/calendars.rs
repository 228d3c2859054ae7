//! Staff members' calendars: where busy time comes from that is no booking.

pub mod ical;
