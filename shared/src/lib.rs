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
#![cfg_attr(feature = "https", doc = "| [`https`] | the connections to both |")]
#![cfg_attr(feature = "ses", doc = "| [`ses`] | mail, by Amazon SES |")]
#![cfg_attr(feature = "secrets", doc = "| [`secrets`] | keys, from the environment or from SSM |")]
#![warn(missing_docs)]

#[cfg(any(feature = "dynamodb", feature = "secrets"))]
pub mod aws;
#[cfg(feature = "https")]
mod backoff;
#[cfg(feature = "stripe")]
pub mod bookings;
pub mod busy;
#[cfg(feature = "calendars")]
pub mod calendars;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
#[cfg(feature = "https")]
pub mod https;
pub mod invitation;
#[cfg(test)]
#[cfg(feature = "secrets")]
mod misbehaving_server;
#[cfg(feature = "stripe")]
pub mod payments;
pub mod random;
pub mod salon_file;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "ses")]
pub mod ses;
pub mod store;
pub mod telemetry;
