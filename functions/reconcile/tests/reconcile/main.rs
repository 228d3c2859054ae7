//! What a run settles, on a store in memory and the payment sandbox.

mod harness;
mod listing;
mod metrics;
mod run;
