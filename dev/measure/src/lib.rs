//! What the functions cost, and how they behave under load. Never deployed.
//!
//! | module | contents |
//! |---|---|
//! | `bench` | one process at a time, beside an empty function |
//! | `load` | the functions under load |
//! | `results`, `bar` | tables of figures, and the limits that they are judged by |
//! | `busy_salon`, `visitor_events`, `reply` | a salon whose times never run out, what its visitors request and are answered |
//! | `process_status`, `statistics` | `/proc`, and summarizing measurements |

mod bar;
pub mod bench;
mod busy_salon;
pub mod load;
mod measure_error;
mod process_status;
mod reply;
mod results;
mod statistics;
mod visitor_events;

use dev::serve;

pub use crate::measure_error::Error;

/// Works until it is done or Ctrl-C stops it, and ends every process that it started.
async fn until_stopped(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    serve::adopt_orphans();
    let stopped = serve::stop_requested().map_err(serve::Error::Signals)?;
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = stopped => Err(Error::new("stopped: every process that was started has ended, and nothing is saved")),
    };
    serve::end_descendants().await;
    outcome
}
