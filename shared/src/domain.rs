//! The salon's rules: pure and synchronous, and told what time it is.

pub mod money;
