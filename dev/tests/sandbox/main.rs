//! The payment sandbox, as its users meet it.

mod api;
mod async_stripe;
mod checkout_session;
mod harness;
mod idempotency;
mod page;
mod refund;
