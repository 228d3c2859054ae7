//! `cargo dev`: Openchair on this machine. Never deployed.

pub mod explain;
pub mod hand_over;
pub mod mail_preview;
pub mod serve;
