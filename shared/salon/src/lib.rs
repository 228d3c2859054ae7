//! The salon: its rules, its file, and its appointments as calendar files.
//!
//! Everything here is pure and synchronous, and takes the time as an argument.
//!
//! | module | contents |
//! |---|---|
//! | [`availability`] | open time and start times: the slot arithmetic |
//! | [`placement`] | whether a requested slot can be booked, and with whom |
//! | [`day`], [`clock_time`], [`interval`] | wall-clock times, instants and sets of either |
//! | [`dst_policy`] | wall-clock times that occur twice or not at all |
//! | [`day_sheet`] | the holds and bookings of one staff member on one date |
//! | [`booking`], [`money`], [`customer`], [`payment_ui`] | a booking and its life |
//! | [`cancellation_terms`] | how much a cancellation refunds |
//! | [`service`], [`hours`], [`contact`], [`staff_calendar`] | what the salon file describes |
//! | [`reminder`] | when a client is reminded |
//! | [`salon_file`] | `salon.toml`, parsed and checked |
//! | [`strict_date`] | dates as requests and the salon file write them |
//! | [`invitation`] | appointments as iCalendar files |

pub mod availability;
pub mod booking;
pub mod cancellation_terms;
pub mod clock_time;
pub mod contact;
pub mod customer;
pub mod day;
pub mod day_sheet;
pub mod dst_policy;
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
pub mod strict_date;

pub use self::salon::{DateRange, HoldLimits, Salon};
