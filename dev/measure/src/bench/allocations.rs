//! The allocations of a request that is answered from the container.

use std::thread;

use availability::Availability;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use salon::salon_file;
use testing::MemoryStore;
use tokio::runtime::Builder;

use crate::visitor_events::Visitor;

/// Counts the allocations inside `handle` when a request is repeated.
pub(super) fn of_cached(target: &str) -> usize {
    let event = Visitor(0).get(target);
    let count = move || {
        let runtime = Builder::new_current_thread().build().expect("a runtime needs no resources");
        let salon = salon_file::parse(salon_file::COMPILED_IN).expect("the salon is valid");
        let busy = BusyReader::new(MemoryStore::default(), NoCalendars, Clock::machine());
        let function = Availability::new(salon, busy);
        let count = || {
            let request = event.request();
            let handle = || drop(runtime.block_on(function.handle(request)));
            usize::try_from(allocation_counter::measure(handle).count_total).unwrap_or(usize::MAX)
        };
        count();
        count()
    };
    // The counter counts the allocations of its thread.
    thread::spawn(count).join().expect("availability does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_in_the_container_is_neither_copied_nor_computed_again() {
        for target in ["/availability", "/availability?service=2.02", "/services"] {
            let count = of_cached(target);
            assert!(
                count <= 12,
                "GET {target} should allocate at most 12 times, not {count} times"
            );
        }
    }
}
