//! The test kit. Nothing here is deployed.
//!
//! | module | contents |
//! |---|---|
//! | [`memory_store`] | the table, in memory, with a hook at every call |
//! | [`salon_harness`] | a salon with an in-memory table, the Stripe sandbox and a test clock |
//! | [`http_messages`] | requests to the functions, and what their responses say |
//! | [`misbehaving_server`] | an HTTP server that simulates network failures |

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    reason = "a test that misuses the kit fails"
)]

pub mod http_messages;
pub mod memory_store;
pub mod misbehaving_server;
pub mod salon_harness;
mod sample_booking;
mod tally;

pub use self::memory_store::{Call, Contents, Fault, Hook, MemoryStore, Outcome};
pub use self::salon_harness::{HarnessOptions, Hold, SalonHarness};
pub use self::sample_booking::{booking, hold};
pub use self::tally::Tally;
