//! Mutates valid input, and searches for an input that breaks something.
//!
//! The searches are in `tests`. `cargo test` tries some hundred inputs each; `FUZZ_SECONDS` is how
//! long each search takes instead.

pub mod json;
pub mod text;

use std::cell::Cell;
use std::fmt::Debug;
use std::panic;
use std::sync::Once;
use std::time::{Duration, Instant};

use proptest::prop_assert_eq;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Inputs that a search tries before it looks at the time.
const ROUND: u32 = 256;

/// Tries inputs until one fails, and then reports the simplest one that fails. A panic that the
/// product catches is a failure too.
///
/// # Panics
/// Panics if an input fails, or if `FUZZ_SECONDS` is not a number.
pub fn search<S: Strategy>(inputs: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError> + Copy)
where
    S::Value: Debug,
{
    count_panics();
    let check = |input| {
        let panics_before = PANICS.get();
        check(input)?;
        prop_assert_eq!(PANICS.get(), panics_before, "a panic was caught; its message is above");
        Ok(())
    };
    let started = Instant::now();
    let seconds = std::env::var("FUZZ_SECONDS")
        .map_or(0, |text| text.parse().expect("FUZZ_SECONDS is a number of seconds"));
    let mut tried = 0_u64;
    loop {
        let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
        // A new runner, whose seed is new too.
        if let Err(failure) = TestRunner::new(config).run(inputs, check) {
            panic!("after {tried} inputs: {failure}");
        }
        tried += u64::from(ROUND);
        if started.elapsed() >= Duration::from_secs(seconds) {
            println!("{tried} inputs in {:?}", started.elapsed());
            return;
        }
    }
}

thread_local! {
    /// How many panics there were on this thread, which runs the product too.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

fn count_panics() {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            print(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;

    use super::*;

    #[test]
    #[should_panic(expected = "a panic was caught")]
    fn a_caught_panic_fails_a_search() {
        search(&any::<bool>(), |input| {
            let _ = panic::catch_unwind(|| assert!(input));
            Ok(())
        });
    }
}
