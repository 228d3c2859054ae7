//! Telling of bookings: once, whatever comes twice, late, or is cut off.

mod crash;
mod delivery;
mod harness;
mod outage;
mod reminders;
