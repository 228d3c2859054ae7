//! What Openchair's functions share.
//!
//! | module | what is in it |
//! |---|---|
//! | [`domain`] | open time, services, money: pure, synchronous, told what time it is |
#![cfg_attr(feature = "stripe", doc = "| [`payments`] | Stripe |")]

pub mod domain;
#[cfg(feature = "stripe")]
pub mod payments;
pub mod salon_file;
