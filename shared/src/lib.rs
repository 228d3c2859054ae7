//! What Openchair's functions share.
//!
//! | module | what is in it |
//! |---|---|
//! | [`domain`] | open time, services, money: pure, synchronous, told what time it is |
#![cfg_attr(
    any(feature = "dynamodb", feature = "stripe"),
    doc = "| [`aws`] | what all AWS clients have in common |"
)]
#![cfg_attr(feature = "stripe", doc = "| [`payments`] | Stripe |")]
#![cfg_attr(
    feature = "stripe",
    doc = "| [`secrets`] | keys, from the environment or from SSM |"
)]

#[cfg(any(feature = "dynamodb", feature = "stripe"))]
pub mod aws;
pub mod domain;
#[cfg(feature = "stripe")]
pub mod payments;
#[cfg(feature = "stripe")]
pub mod secrets;
