//! The salon: its rules, its file, and its appointments as calendar files.
//!
//! Everything here is pure and synchronous, and takes the time as an argument.
//!
//! | module | contents |
//! |---|---|
//! | [`availability`] | open time and start times: the slot arithmetic |
//! | [`day`], [`clock_time`], [`interval`] | wall-clock times, instants and sets of either |
//! | [`day_sheet`], [`placement`] | one person's day, and who takes a booking |
//! | [`booking`], [`payment_ui`], [`money`], [`customer`] | a booking and its life |
//! | [`service`], [`hours`], [`contact`], [`staff_calendar`] | what the salon file describes |
//! | [`reminder`] | when a client is reminded |
//! | [`salon_file`] | `salon.toml`, read and checked |
//! | [`invitation`] | appointments as iCalendar files |

pub mod availability;
pub mod booking;
pub mod clock_time;
pub mod contact;
pub mod customer;
pub mod day;
pub mod day_sheet;
pub mod hours;
pub mod interval;
pub mod invitation;
pub mod money;
pub mod payment_ui;
pub mod placement;
pub mod reminder;
mod salon;
pub mod salon_file;
pub mod service;
pub mod staff_calendar;

pub use self::salon::{DateRange, HoldLimits, Salon};
