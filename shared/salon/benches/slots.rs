//! How long the availability of a whole horizon takes to compute, by the number
//! of staff.
//!
//! ```sh
//! cargo bench -p salon --bench slots
//! ```

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use salon::Salon;
use salon::availability::{Availability, BusyTimes};
use salon::day::Day;
use salon::interval::Interval;
use salon::salon_file;
use salon::service::StaffId;

/// The 42 days after it have no clock change.
const NOW: &str = "2026-11-24T17:00:00Z";
/// Daylight saving ends in the 42 days after it.
const BEFORE_A_CHANGE: &str = "2026-10-10T17:00:00Z";
/// Per day. One begins every 75 minutes from 10:00, and takes 45 minutes.
const BUSY_RANGES: i64 = 8;

/// Makes a salon whose staff perform every service and each have their own busy times.
fn salon(people: usize, now: Timestamp) -> (Salon, BusyTimes) {
    let mut salon = salon_file::parse(salon_file::COMPILED_IN).expect("the salon file is valid");
    let first = salon.staff.swap_remove(0);
    let member = |number| {
        let mut member = first.clone();
        member.id = StaffId::new(&format!("s{number}")).expect("a valid id");
        member
    };
    salon.staff = (0..people).map(member).collect();
    let busy = salon.staff.iter().zip(0..).map(|(member, number)| {
        let ranges = salon.horizon(now).dates().flat_map(|date| {
            let midnight = Day::new(date, &salon.time_zone).span().start();
            (0..BUSY_RANGES).filter_map(move |index| {
                let start = midnight + SignedDuration::from_mins(600 + 75 * index + 5 * number);
                Interval::new(start, start + SignedDuration::from_mins(45))
            })
        });
        (member.id.clone(), ranges.collect())
    });
    let busy = busy.collect();
    (salon, busy)
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn one_person(c: &mut Criterion) {
    let mut group = c.benchmark_group("availability");
    for (name, now) in [("open_time", NOW), ("open_time over a change", BEFORE_A_CHANGE)] {
        let now = instant(now);
        let (salon, busy) = salon(1, now);
        group.bench_function(name, |b| {
            b.iter(|| Availability::new(black_box(&salon), &busy, now).open_time(None).count());
        });
    }
    let now = instant(NOW);
    let (salon, busy) = salon(1, now);
    let horizon = salon.horizon(now);
    let service = &salon.services[0];
    group.bench_function("starts", |b| {
        b.iter(|| {
            let availability = Availability::new(black_box(&salon), &busy, now);
            availability.starts(service, None, (horizon.first, horizon.last)).count()
        });
    });
    group.finish();
}

fn many_people(c: &mut Criterion) {
    let mut group = c.benchmark_group("staff");
    let now = instant(NOW);
    for people in [1, 5, 10, 20] {
        let (salon, busy) = salon(people, now);
        let horizon = salon.horizon(now);
        let service = &salon.services[0];
        group.throughput(Throughput::Elements(people.try_into().expect("a small number")));
        group.bench_function(BenchmarkId::new("open_time", people), |b| {
            b.iter(|| Availability::new(black_box(&salon), &busy, now).open_time(None).count());
        });
        group.bench_function(BenchmarkId::new("starts", people), |b| {
            b.iter(|| {
                let availability = Availability::new(black_box(&salon), &busy, now);
                availability.starts(service, None, (horizon.first, horizon.last)).count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_person, many_people);
criterion_main!(benches);
