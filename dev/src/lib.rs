//! What developers run: never deployed.

pub mod bench;
pub mod event;
pub mod explain;
pub mod fleet;
pub mod google;
pub mod load;
pub mod load_testing;
pub mod machine;
pub mod mail_preview;
pub mod mailbox;
pub mod optimized;
pub mod sandbox;
pub mod serve;
pub mod simulate;
