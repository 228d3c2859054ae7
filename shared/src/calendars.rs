//! Calendars: where a staff member's busy time comes from.
