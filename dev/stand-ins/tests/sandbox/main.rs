//! Tests of the payment sandbox through its public interface.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs to go on is there, or the test has failed"
)]

mod afterwards;
mod api;
mod async_stripe;
mod checkout_session;
mod events;
mod faults;
mod harness;
mod idempotency;
mod keys;
mod lists;
mod page;
mod refund;
mod restart;
mod webhooks;
