//! `cargo dev bench`: what a request and a start cost, beside a function that does nothing.

pub mod results;
pub mod statistics;
