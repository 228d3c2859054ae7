//! What developers run: never deployed.

pub mod sandbox;
