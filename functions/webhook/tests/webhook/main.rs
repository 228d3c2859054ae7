//! The contract of POST /stripe/webhook, on API Gateway's events, a store in
//! memory, and the payment sandbox.

mod delivery;
mod harness;
mod incidents;
mod life;
mod metrics;
mod order;
mod signature;
mod staff;
