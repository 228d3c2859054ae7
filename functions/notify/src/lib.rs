//! What visitors and the salon's owner are told about bookings.

pub mod mail;
