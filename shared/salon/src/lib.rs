//! The salon: its rules, its file, and its appointments as calendar files.
//!
//! Everything here is pure and synchronous, and takes the time as an argument.
//!
//! | module | contents |
//! |---|---|
//! | [`availability`] | open time and start times: the slot arithmetic |
//! | [`day`], [`clock_time`], [`interval`] | wall-clock times, instants and sets of either |
//! | [`day_sheet`], [`placement`] | one person's day, and who takes a booking |
//! | [`booking`], [`payment`], [`money`], [`customer`] | a booking and its life |
//! | [`service`], [`hours`], [`contact`], [`calendar`] | what the salon file describes |
//! | [`reminder`] | when a client is reminded |
//! | [`salon_file`] | `salon.toml`, read and checked |
//! | [`invitation`] | appointments as iCalendar files |

pub mod availability;
pub mod booking;
pub mod calendar;
pub mod clock_time;
pub mod contact;
pub mod customer;
pub mod day;
pub mod day_sheet;
pub mod explanation;
pub mod hours;
pub mod interval;
pub mod invitation;
pub mod money;
pub mod payment;
pub mod placement;
pub mod reminder;
mod salon;
pub mod salon_file;
pub mod service;

pub use self::salon::{HoldLimits, Horizon, Salon};
