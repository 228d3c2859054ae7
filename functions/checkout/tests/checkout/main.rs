//! The contract of POST /checkout and /bookings/{id}, on API Gateway's events,
//! a store in memory, and the payment sandbox.

mod bad_input;
mod bare_deposit;
mod calendar;
mod cancel;
mod client_fields;
mod contention;
mod crash;
mod harness;
mod limits;
mod own_hold;
mod payment_session;
mod repeated_key;
mod reserve;
mod round_trips;
mod sequences;
mod standby;
