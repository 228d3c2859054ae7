//! Counts the allocations of a request that is answered from the container.

use availability::Availability;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use salon::salon_file;
use stand_ins::gateway_event::GatewayEvent;
use testing::MemoryStore;

/// Allocations inside `handle`: more of them mean that a cached body is copied.
const MAX_ALLOCATIONS: u64 = 12;

#[test]
fn an_answer_from_the_container_allocates_almost_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let now = "2026-11-23T07:00:00-08:00".parse().expect("an instant");
    let salon = salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon");
    let store = MemoryStore::default();
    let function =
        Availability::new(salon, BusyReader::new(store, NoCalendars, Clock::manual(now)));
    let allocations = |target| {
        let request =
            GatewayEvent::new("GET", target).header("accept", "application/json").request();
        let mut status = 0;
        let counted = allocation_counter::measure(|| {
            status = runtime.block_on(function.handle(request)).status().as_u16();
        });
        assert_eq!(status, 200, "{target}");
        counted.count_total
    };
    for target in ["/availability", "/availability?service=2.02", "/services"] {
        let first = allocations(target);
        let again = allocations(target);
        assert!(
            again <= MAX_ALLOCATIONS,
            "GET {target} should allocate at most {MAX_ALLOCATIONS} times when the container has its body, \
             but it allocates {again} times (the first time {first})"
        );
    }
}
