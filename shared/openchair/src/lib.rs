//! What Openchair's functions share.
//!
//! | module | what is in it |
//! |---|---|
//! | [`domain`] | open time, services, money: pure, synchronous, told what time it is |
//! | [`salon_file`] | `salon.toml`, read and checked |
//! | [`invitation`] | appointments as iCalendar files |
//! | [`store`] | the DynamoDB table |
//! | [`busy`] | when the staff are busy: day sheets, and calendars behind the table's cache |
//! | [`http`] | JSON, caching headers, the one error → status mapping |
//! | [`config`], [`clock`], [`random`], [`telemetry`] | the environment, the time, chance, the log |
#![cfg_attr(
    feature = "stripe",
    doc = "| [`bookings`] | placing, settling, cancelling: decisions carried out |"
)]
#![cfg_attr(feature = "stripe", doc = "| [`payments`] | Stripe |")]
#![cfg_attr(
    feature = "calendars",
    doc = "| [`calendars`] | busy time, from Google and from iCal feeds |"
)]
#![cfg_attr(
    feature = "aws",
    doc = "| [`aws`], [`https`] | AWS clients; the connections to all services |"
)]
#![cfg_attr(feature = "ses", doc = "| [`ses`] | mail, by Amazon SES |")]
#![cfg_attr(feature = "aws", doc = "| [`secrets`] | keys, from the environment or from SSM |")]

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
#[cfg(feature = "aws")]
pub mod secrets;
#[cfg(feature = "ses")]
pub mod ses;
pub mod store;
pub mod telemetry;
pub mod time_budget;
