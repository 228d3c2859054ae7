//! What a run settles, on a store in memory and the payment sandbox.

mod bounds;
mod harness;
mod listing;
mod metrics;
mod money;
mod refunds;
mod run;
