//! The salon's rules: pure and synchronous, and told what time it is.

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
pub mod money;
pub mod payment;
pub mod placement;
pub mod reminder;
pub mod salon;
pub mod service;
