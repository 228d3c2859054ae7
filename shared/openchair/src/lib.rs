//! The code that the functions share.
//!
//! | module | contents |
//! |---|---|
//! | [`store`] | the DynamoDB table |
//! | [`busy`] | when the staff are busy: day sheets, and calendars behind the table's cache |
//! | [`http`] | JSON, caching headers, error codes and their statuses |
//! | [`runtime`] | starting and running a function |
//! | [`config`], [`time_budget`] | the environment variables, and the durations that depend on each other |
//! | [`clock`], [`random`], [`telemetry`] | the time, random numbers, the log and the metrics |
#![cfg_attr(
    feature = "stripe",
    doc = "| [`bookings`] | reserving, settling, refunding, cancelling |"
)]
#![cfg_attr(feature = "stripe", doc = "| [`payments`] | Stripe |")]
#![cfg_attr(
    feature = "calendars",
    doc = "| [`calendars`] | busy times from Google Calendar and iCal feeds, and bookings as events |"
)]
#![cfg_attr(
    feature = "aws",
    doc = "| [`aws`], [`https`], [`retry`] | AWS clients, and the connections and retries of all clients |"
)]
#![cfg_attr(feature = "ses", doc = "| [`ses`] | mail with Amazon SES |")]
#![cfg_attr(feature = "aws", doc = "| [`secrets`] | secrets from the environment or from SSM |")]

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
mod backoff;
#[cfg(feature = "stripe")]
pub mod bookings;
pub mod busy;
#[cfg(feature = "calendars")]
pub mod calendars;
pub mod clock;
pub mod config;
pub mod http;
#[cfg(feature = "aws")]
pub mod https;

#[cfg(feature = "stripe")]
pub mod payments;
pub mod random;
#[cfg(feature = "aws")]
pub mod retry;
pub mod runtime;
#[cfg(feature = "aws")]
pub mod secrets;
#[cfg(feature = "ses")]
pub mod ses;
pub mod store;
pub mod telemetry;
pub mod time_budget;
