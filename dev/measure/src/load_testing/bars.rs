//! The bars: what must hold, and whether it does. Those of a load test are its
//! own, in `load::verdicts`.

use super::figures::number;
use crate::bench::results::{Figure, Results, Target};
use crate::load::results::LoadResults;
use crate::load::verdicts::{self, verdicts};

/// Why bars are not met: what the profile shows, and what the floor is. Written by
/// hand, beside the beginning of the bars' names; shown only while they are not met.
const REASONS: [(&str, &str); 1] = [(
    "availability, the container has the answer: warm p50",
    "A request takes 174,400 instructions, of which the empty function has 148,000 (callgrind). \
     The function's own handling is 5 % of them; the rest above the empty function is reading \
     more of the event and writing 1.8 KB of base64 instead of nothing. Those bytes are the floor \
     as long as a body goes out as it is; a compressed one would have fewer.",
)];

/// Something that is measured, and how it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) what: String,
    /// What it should be, in words.
    pub(super) bound: String,
    /// What was measured, in words.
    pub(super) measured: String,
    pub(super) verdict: Verdict,
    /// The command that measures it.
    pub(super) command: &'static str,
}

/// Whether a bar is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    Unmeasured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Times what the empty function has in the same run.
    Ratio,
    Milliseconds,
    Megabytes,
    Count,
}

/// Lists the bars, with what was measured.
pub(super) fn bars(bench: Option<&Results>, load: Option<&LoadResults>) -> Vec<Bar> {
    let mut bars = of_bench(bench);
    bars.extend(load.map(verdicts).into_iter().flatten().map(Bar::of_load));
    bars.extend(missing(load).map(Bar::unmeasured));
    bars
}

fn of_bench(bench: Option<&Results>) -> Vec<Bar> {
    let ratio =
        |target, figure: Figure| bench?.of(target)?.ratios.get(&figure).map(|spread| spread.median);
    let figure = |target, figure: Figure| {
        bench?.of(target)?.figures.get(&figure).map(|spread| spread.median)
    };
    let largest = |program: &str, each: Figure, unit: f64| {
        let of_program = bench?.targets.iter().filter(|it| it.target.program() == program);
        let medians = of_program.filter_map(|it| it.figures.get(&each).map(|it| it.median));
        medians.max_by(f64::total_cmp).map(|most| most * unit)
    };
    let (kib, byte) = (1024.0 / 1e6, 1e-6);
    let l1 = Target::AvailabilityL1;
    vec![
        Bar::at_most(
            "availability, the container has the answer: warm p50",
            1.10,
            Unit::Ratio,
            ratio(l1, Figure::WarmP50Us),
        ),
        Bar::at_most(
            "availability, start to first poll",
            4.0,
            Unit::Ratio,
            ratio(l1, Figure::StartToFirstPollMs),
        ),
        Bar::at_most(
            "availability, start to first response, calendars in the table",
            15.0,
            Unit::Milliseconds,
            figure(Target::AvailabilityL2, Figure::StartToFirstResponseMs),
        ),
        Bar::at_most(
            "checkout, start to first poll",
            5.0,
            Unit::Ratio,
            ratio(Target::CheckoutBody, Figure::StartToFirstPollMs),
        ),
        Bar::at_most(
            "availability, the container has the answer: allocations inside `handle`",
            12.0,
            Unit::Count,
            figure(l1, Figure::Allocations),
        ),
        Bar::at_most(
            "availability, peak memory",
            14.0,
            Unit::Megabytes,
            largest("availability", Figure::PeakMemoryKib, kib),
        ),
        Bar::at_most(
            "checkout, peak memory",
            18.0,
            Unit::Megabytes,
            largest("checkout", Figure::PeakMemoryKib, kib),
        ),
        Bar::at_most(
            "availability, zip",
            3.5,
            Unit::Megabytes,
            largest("availability", Figure::ZipBytes, byte),
        ),
        Bar::at_most(
            "checkout, zip",
            5.0,
            Unit::Megabytes,
            largest("checkout", Figure::ZipBytes, byte),
        ),
    ]
}

/// Lists the scenarios of which nothing is known.
fn missing(load: Option<&LoadResults>) -> impl Iterator<Item = &'static str> {
    let has = |part: fn(&LoadResults) -> bool| load.is_some_and(part);
    let scenarios = [
        ("availability at rising concurrency", has(|load| load.availability.is_some())),
        ("checkout at rising concurrency", has(|load| load.checkout.is_some())),
        ("checkout beyond Stripe's limit", has(|load| load.limit.is_some())),
        ("crowd", has(|load| load.crowd.is_some())),
        ("soak", has(|load| load.soak.is_some())),
    ];
    scenarios.into_iter().filter(|(_, is_there)| !is_there).map(|(what, _)| what)
}

impl Bar {
    fn at_most(what: &str, most: f64, unit: Unit, measured: Option<f64>) -> Self {
        Self {
            what: what.to_owned(),
            bound: format!("at most {}", unit.write(most)),
            measured: measured.map_or_else(unknown, |value| unit.write(value)),
            verdict: match measured {
                None => Verdict::Unmeasured,
                Some(value) if value <= most => Verdict::Met,
                Some(_) => Verdict::Missed,
            },
            command: "cargo dev bench",
        }
    }

    fn of_load(verdict: verdicts::Verdict) -> Self {
        let verdicts::Verdict { what, bar, measured, is_met } = verdict;
        let verdict = if is_met { Verdict::Met } else { Verdict::Missed };
        Self { what, bound: bar, measured, verdict, command: "cargo dev load" }
    }

    fn unmeasured(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            bound: unknown(),
            measured: unknown(),
            verdict: Verdict::Unmeasured,
            command: "cargo dev load",
        }
    }

    /// Returns why it is not met.
    pub(super) fn reason(&self) -> &'static str {
        let written = REASONS.iter().find(|(what, _)| self.what.starts_with(what));
        written.map_or("Nobody has written down why yet.", |(_, reason)| *reason)
    }
}

fn unknown() -> String {
    "—".to_owned()
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2} ×"),
            Self::Milliseconds => format!("{} ms", number(value)),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Count => number(value),
        }
    }
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**not met**",
            Self::Unmeasured => "not measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_bar_is_met_at_its_bound_and_missed_past_it() {
        for (measured, expected) in [
            (Some(1.1), Verdict::Met),
            (Some(1.11), Verdict::Missed),
            (Some(f64::NAN), Verdict::Missed),
            (None, Verdict::Unmeasured),
        ] {
            let bar = Bar::at_most("a bar", 1.1, Unit::Ratio, measured);
            assert_eq!(bar.verdict, expected, "{measured:?}");
        }
    }

    #[test]
    fn reasons_are_given_for_bars_that_there_are() {
        let bars = bars(Some(&sample::bench()), Some(&sample::load()));
        for (what, _) in REASONS {
            let is_one = bars.iter().any(|bar| bar.what.starts_with(what));
            assert!(is_one, "there is no bar \"{what}\"");
        }
    }

    #[test]
    fn without_results_nothing_is_met() {
        for bar in bars(None, None) {
            assert_eq!(bar.verdict, Verdict::Unmeasured, "{}", bar.what);
        }
    }
}
