//! `cargo dev` runs Openchair on this machine. It is never deployed.

pub mod explain;
pub mod hand_over;
pub mod mail_preview;
pub mod serve;
