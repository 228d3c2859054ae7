//! What a run settles, on a store in memory and the payment sandbox.

mod harness;
mod run;
