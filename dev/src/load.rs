//! `cargo dev load`: the functions under load, on this machine.

pub mod results;
