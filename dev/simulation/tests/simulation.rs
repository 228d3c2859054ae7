//! Bookings, payments and notifications under everything that can go wrong.

use std::sync::atomic::AtomicBool;

use clap::ValueEnum as _;
use salon::booking::State;
use simulation::{Bug, Finding, NotificationCounts, report, run_schedule, search, shrink};

const SCHEDULES: u64 = 100_000;
/// Within how many schedules each planted bug must be found.
const ENOUGH: u64 = 10_000;

#[test]
fn no_schedule_breaks_an_invariant() {
    let (finding, totals) = search(0..SCHEDULES, None, &AtomicBool::new(false));
    if let Some(Finding { seed, violation }) = finding {
        let shrunk = shrink(seed, None);
        let report = shrunk.map_or_else(|| violation.to_string(), |it| report(seed, None, &it));
        panic!("{report}\n`cargo dev simulate --seed {seed}` shows it again");
    }

    println!("{totals}");
    assert_eq!(totals.schedules, SCHEDULES);
    for (state, count) in State::ALL.into_iter().zip(totals.states) {
        let is_final = !state.is_open() && state != State::Refunding;
        assert_eq!(count > 0, is_final, "{count} bookings ended as {state}");
    }
    let NotificationCounts { mails, repeats, events, deleted_events } = totals.notifications;
    assert!(
        mails > SCHEDULES / 2 && repeats > 0 && events > 0 && deleted_events > 0,
        "all kinds of notifications occur: {:?}",
        totals.notifications
    );
}

#[test]
fn every_planted_bug_is_found_and_its_schedule_made_short() {
    let (mut all_short, mut all_long) = (0, 0);
    for &bug in Bug::value_variants() {
        let (finding, _) = search(0..ENOUGH, Some(bug), &AtomicBool::new(false));
        let Some(Finding { seed, violation }) = finding else {
            panic!("{ENOUGH} schedules do not show {bug:?}");
        };
        let again = run_schedule(seed, Some(bug), false).violation;
        assert_eq!(again.as_ref(), Some(&violation), "seed {seed} finds {bug:?} again");

        let shrunk = shrink(seed, Some(bug)).expect("a short schedule that shows the bug");
        println!("{}\n", report(seed, Some(bug), &shrunk));
        assert_eq!(shrunk.violation.invariant, violation.invariant, "{bug:?}");
        let long = before_the_end(&run_schedule(seed, Some(bug), true).trace);
        let short = before_the_end(&shrunk.steps);
        assert!(short <= long, "{bug:?} has {short} of {long} steps");
        println!("{bug:?}: {short} of {long} steps");
        (all_short, all_long) = (all_short + short, all_long + long);
        assert_eq!(shrink(seed, Some(bug)), Some(shrunk), "the same short schedule for {bug:?}");
    }
    assert!(2 * all_short <= all_long, "{all_short} of {all_long} steps are left, of all bugs");
}

/// Counts the steps before everything is left to settle. What comes then cannot be left out.
fn before_the_end(steps: &[String]) -> usize {
    let is_end = |step: &String| step.ends_with("from now on nothing goes wrong");
    steps.iter().position(is_end).unwrap_or(steps.len())
}

#[test]
fn a_seed_repeats_its_schedule_step_by_step() {
    for seed in 0..200 {
        let [first, second] = [(); 2].map(|()| run_schedule(seed, None, true).trace);
        assert!(first.len() > 10, "the schedule of {seed} has steps: {first:?}");
        assert_eq!(first, second, "the schedule of {seed}");
    }
}

#[test]
fn a_schedule_that_breaks_nothing_has_no_short_one() {
    assert_eq!(shrink(0, None), None);
}
