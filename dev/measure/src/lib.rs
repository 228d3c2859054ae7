//! What the functions cost, and how they behave under load. Never deployed.
//!
//! | module | contents |
//! |---|---|
//! | `bench` | one process at a time, beside an empty function |
//! | `load` | the functions under load |
//! | `bar` | a limit that a run is judged by |
//! | `busy_salon`, `visitor_events` | a salon whose times never run out, and what its visitors request |
//! | `results_file` | the results of full runs, in `docs/load-testing` |
//! | `machine`, `markdown`, `statistics` | describing a machine, writing tables, summarizing measurements |

mod bar;
pub mod bench;
mod busy_salon;
pub mod load;
mod machine;
mod markdown;
mod results_file;
mod statistics;
mod visitor_events;
