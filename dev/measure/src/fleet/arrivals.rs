//! When visitors come: at random, more of them at some hours than at others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::visit::{Asked, visit};

/// How many visitors each hour has, against the day's mean: a salon's site is
/// looked at during lunch and most in the evening.
pub(super) const HOURS: [f64; 24] = [
    0.25, 0.15, 0.10, 0.10, 0.10, 0.20, 0.40, 0.70, 0.95, 1.10, 1.20, 1.25, //
    1.40, 1.30, 1.15, 1.15, 1.25, 1.40, 1.60, 1.90, 2.10, 1.90, 1.45, 0.90,
];

/// Returns the busiest hour against the day's mean.
#[must_use]
pub(super) fn peak() -> f64 {
    HOURS.into_iter().fold(0.0, f64::max)
}

/// Returns the quietest hour against the day's mean.
#[must_use]
pub(super) fn quiet() -> f64 {
    HOURS.into_iter().fold(f64::MAX, f64::min)
}

/// Returns a time between two events that come at a rate a second, on average.
fn gap(random: &mut fastrand::Rng, rate: f64) -> f64 {
    -(1.0 - random.f64()).ln() / rate
}

/// What is asked on whole days, visit by visit, in the order of its times.
pub(super) struct Days {
    random: fastrand::Rng,
    visits_a_second: f64,
    end: f64,
    next_visit: f64,
    /// What visitors who are there have yet to ask for, in nanoseconds: times
    /// that can be ordered.
    due: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Days {
    /// Visitors of so many days, so many a day.
    pub(super) fn new(visits_a_day: f64, days: u32, seed: u64) -> Self {
        let mut all = Self {
            random: fastrand::Rng::with_seed(seed),
            visits_a_second: visits_a_day / 86_400.0,
            end: f64::from(days) * 86_400.0,
            next_visit: 0.0,
            due: BinaryHeap::new(),
        };
        all.next_visit = all.visit_after(0.0);
        all
    }

    /// Draws when the next visitor comes: at the peak's rate, of which the hour
    /// lets through its share.
    fn visit_after(&mut self, mut at: f64) -> f64 {
        loop {
            at += gap(&mut self.random, self.visits_a_second * peak());
            if self.random.f64() * peak() < HOURS[hour(at)] {
                return at;
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an hour of a day is between 0 and 23"
)]
fn hour(at: f64) -> usize {
    (at.rem_euclid(86_400.0) / 3600.0) as usize % 24
}

impl Iterator for Days {
    type Item = (f64, Asked);

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "the days of a simulation have fewer nanoseconds than 2^63, and need no more than 53 bits of them"
    )]
    fn next(&mut self) -> Option<Self::Item> {
        while self.next_visit < self.end
            && self.due.peek().is_none_or(|Reverse((at, _))| self.next_visit * 1e9 <= *at as f64)
        {
            let came = self.next_visit;
            let due = &mut self.due;
            visit(&mut self.random, |after, asked| {
                due.push(Reverse((((came + after) * 1e9) as u64, asked as usize)));
            });
            self.next_visit = self.visit_after(came);
        }
        let Reverse((at, asked)) = self.due.pop()?;
        let at = at as f64 / 1e9;
        (at < self.end).then(|| (at, Asked::ALL[asked]))
    }
}

/// What is asked while visitors come at a constant rate.
///
/// Visits that start at random and ask for something a while later make
/// requests that come at random too (the displacement theorem of Poisson
/// processes), so the requests are drawn at once. That two of them are one
/// visitor's makes no difference where there are many.
pub(super) struct Window {
    random: fastrand::Rng,
    rate: f64,
    at: f64,
    end: f64,
    requests_per_visit: f64,
}

impl Window {
    /// So many visits a second, for so many seconds.
    pub(super) fn new(visits_a_second: f64, seconds: f64, seed: u64) -> Self {
        let requests_per_visit = super::visit::requests_per_visit();
        let random = fastrand::Rng::with_seed(seed);
        let rate = visits_a_second * requests_per_visit;
        Self { random, rate, at: 0.0, end: seconds, requests_per_visit }
    }
}

impl Iterator for Window {
    type Item = (f64, Asked);

    fn next(&mut self) -> Option<Self::Item> {
        self.at += gap(&mut self.random, self.rate);
        let mut left = self.random.f64() * self.requests_per_visit;
        let asked = Asked::ALL.into_iter().find(|asked| {
            left -= asked.per_visit();
            left < 0.0
        });
        (self.at < self.end).then(|| (self.at, asked.unwrap_or(Asked::OpenTime)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_of_a_day_are_on_average_the_days_mean() {
        let mean = HOURS.into_iter().sum::<f64>() / 24.0;
        assert!((mean - 1.0).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn days_have_as_many_visitors_as_they_should_and_at_their_hours() {
        let menus = Asked::Menu.per_visit() * 20_000.0;
        let asked: Vec<_> = Days::new(1_000.0, 20, 1).collect();
        assert!(asked.is_sorted_by(|(earlier, _), (later, _)| earlier <= later));
        let of_menu = asked.iter().filter(|(_, asked)| *asked == Asked::Menu);
        let mut by_hour = [0_u32; 24];
        of_menu.for_each(|(at, _)| by_hour[hour(*at)] += 1);
        for (hour, count) in by_hour.into_iter().enumerate() {
            let expected = menus / 24.0 * HOURS[hour];
            let error = (f64::from(count) - expected).abs();
            assert!(error < 5.0 * expected.sqrt(), "{hour} h: {count}, not {expected}");
        }
    }

    #[test]
    fn a_window_has_the_requests_of_the_visits_in_it() {
        let mut counts = [0_u32; Asked::ALL.len()];
        Window::new(50.0, 600.0, 1).for_each(|(_, asked)| counts[asked as usize] += 1);
        for (asked, count) in Asked::ALL.into_iter().zip(counts) {
            let expected = asked.per_visit() * 30_000.0;
            let error = (f64::from(count) - expected).abs();
            assert!(error < 5.0 * expected.sqrt(), "{asked:?}: {count}, not {expected}");
        }
    }
}
