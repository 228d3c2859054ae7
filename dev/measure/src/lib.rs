//! What the functions cost, and how they bear load. Never deployed.

pub mod bench;
pub mod fleet;
pub mod load;
pub mod load_testing;
pub mod machine;
pub mod optimized;
