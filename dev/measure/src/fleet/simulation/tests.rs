use super::*;
use crate::fleet::arrivals::{Days, Window};
use crate::fleet::paper::{containers, erlang_b, rates, snapshots};
use crate::fleet::times::Measured;

fn times() -> Times {
    Times::new(&Measured::assumed())
}

/// Requests for open time alone, at random, so many a second.
fn open_times(rate: f64, seconds: f64) -> impl Iterator<Item = (f64, Asked)> {
    only(Asked::OpenTime, rate, seconds)
}

fn only(asked: Asked, rate: f64, seconds: f64) -> impl Iterator<Item = (f64, Asked)> {
    let mut random = fastrand::Rng::with_seed(5);
    let mut at = 0.0;
    std::iter::from_fn(move || {
        at -= (1.0 - random.f64()).ln() / rate;
        (at < seconds).then_some((at, asked))
    })
}

fn is_near(is: f64, expected: f64, tolerance: f64) -> bool {
    (is / expected - 1.0).abs() < tolerance
}

#[test]
fn as_much_work_is_in_progress_as_littles_law_says() {
    let (visits, seconds) = (200.0, 400.0);
    let seen = run(Window::new(visits, seconds, 3), &times(), 0, 0.0, 1);
    for function in [Function::Checkout, Function::Webhook] {
        let of_function = Asked::ALL.into_iter().filter(|asked| asked.function() == function);
        let expected: f64 =
            of_function.map(|asked| visits * asked.per_visit() * times().answer(asked)).sum();
        let starting = seen.counts.cold[function.index()] * times().init(function);
        let is = (seen.counts.busy[function.index()] - starting) / seconds;
        assert!(is_near(is, expected, 0.03), "{function:?}: {is} at work, not {expected}");
    }
}

#[test]
fn a_container_has_as_many_answers_as_the_renewal_formula_says() {
    // So few that one container has nearly all of them.
    for rate in [0.02, 0.1, 1.0] {
        let seen =
            run(open_times(rate, 400_000.0 / rate.max(0.1)), &times(), 0, 10_000.0, 1).counts;
        let share = seen.hits / (seen.hits + seen.misses);
        let expected = 1.0 - snapshots(rate, SNAPSHOT) / rate;
        assert!(is_near(share, expected, 0.02), "{rate}/s: {share}, not {expected}");
    }
}

#[test]
fn there_are_as_many_containers_as_erlangs_formula_says() {
    // The menu needs no snapshot, so all answers take the same time.
    for rate in [50.0, 500.0, 5_000.0] {
        let seen = run(only(Asked::Menu, rate, SETTLED + KEPT), &times(), 0, SETTLED, 1);
        let expected = containers(rate, times().answer(Asked::Menu));
        let is = seen.containers[0];
        assert!(is.abs_diff(expected) <= 1 + expected / 5, "{rate}/s: {is}, not {expected}");
    }
}

#[test]
fn as_many_snapshots_are_taken_as_the_containers_shares_of_the_requests_say() {
    for rate in [5.0, 50.0, 500.0] {
        let seen = run(open_times(rate, SETTLED + KEPT), &times(), 0, SETTLED, 1);
        let taken = seen.counts.snapshots / KEPT;
        let lasts = times().answer(Asked::OpenTime);
        let on_paper: f64 = rates(rate, lasts).map(|rate| snapshots(rate, SNAPSHOT)).sum();
        assert!(is_near(taken, on_paper, 0.25), "{rate}/s: {taken} snapshots/s, not {on_paper}");
    }
}

#[test]
fn erlangs_formula_gives_what_tables_of_it_have() {
    for (containers, offered, expected) in [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 5.0, 0.01838)] {
        assert!(is_near(erlang_b(containers, offered), expected, 1e-3), "{containers}, {offered}");
    }
}

#[test]
fn a_container_is_started_where_none_was_kept() {
    let rate = 1.0 / 600.0;
    let seen = run(open_times(rate, 3_000_000.0), &times(), 0, 0.0, 1).counts;
    let share = seen.cold[0] / seen.requests[Asked::OpenTime as usize];
    assert!(is_near(share, (-rate * KEPT).exp(), 0.05), "{share} start one");
    assert!((seen.hits + seen.misses - seen.requests[0]).abs() < 0.5, "each is a hit or a miss");
}

#[test]
fn calendars_are_read_once_a_minute_however_many_containers_there_are() {
    let a_day = |visits: f64, hours: f64| {
        let requests = Window::new(visits / 86_400.0, hours * 3600.0, 3);
        let seen = run(requests, &times(), 4, 0.0, 1);
        seen.counts.calendars_read / 4.0 / hours * 24.0
    };
    let (some, many) = (a_day(1e6, 2.0), a_day(2e7, 0.3));
    let longest = 86_400.0 / FRESH[0];
    assert!(some < longest && many < longest * 1.1, "{some} and {many} a day and person");
    assert!(is_near(many, 86_400.0 / 55.0, 0.12), "{many}");
    let few = run(Days::new(10.0, 30, 1), &times(), 4, 0.0, 1).counts;
    assert!(few.calendars_read / 4.0 / 30.0 < 30.0, "nobody's visits cost no reading");
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let run = || run(Days::new(500.0, 3, 8), &times(), 3, 0.0, 8);
    assert_eq!(run(), run());
}
