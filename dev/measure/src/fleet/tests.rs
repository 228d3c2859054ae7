use std::sync::LazyLock;

use super::*;

/// Simulated once, for all tests.
static FLEET: LazyLock<Fleet> = LazyLock::new(|| Fleet::new(Measured::assumed()));

#[test]
fn calendar_reads_are_flat_and_never_more_than_one_a_freshness() {
    let most = 86_400.0 / simulation::FRESH[0];
    for row in &FLEET.rows {
        let reads = row.calendar_reads_a_day_and_person;
        assert!(reads <= most * 1.05, "{} visits: {reads}", row.visits);
        let on_paper = row.paper.calendar_reads_a_day / f64::from(PEOPLE);
        assert!(reads < on_paper * 1.25, "{} visits: {reads}, {on_paper} on paper", row.visits);
    }
}

#[test]
fn the_more_visits_the_fewer_of_them_start_a_container() {
    for (fewer, more) in FLEET.rows.iter().zip(&FLEET.rows[1..]) {
        assert!(more.cold_share <= fewer.cold_share, "{} visits", more.visits);
    }
    // Few visits are simulated for many days, whose most is a matter of chance.
    let many = || FLEET.rows.iter().filter(|row| row.visits >= 1e4);
    for (fewer, more) in many().zip(many().skip(1)) {
        assert!(more.all_containers() >= fewer.all_containers(), "{} visits", more.visits);
    }
}

#[test]
fn the_simulation_and_the_formulas_agree() {
    for row in &FLEET.rows {
        let (is, on_paper) = (row.all_containers(), row.paper.containers.iter().sum::<u32>());
        // What comes while a container starts, starts another.
        let is_near = is * 4 >= on_paper * 3 && is <= on_paper * 3 / 2 + 6;
        assert!(is_near, "{} visits: {is}, {on_paper} on paper", row.visits);
    }
    // Where visitors are so many that they seldom meet their own snapshot.
    for row in FLEET.rows.iter().filter(|row| row.visits >= 1e4) {
        let (is, on_paper) = (row.l1_share, row.paper.l1_share);
        assert!((is - on_paper).abs() < 0.05, "{}: {is}, {on_paper} on paper", row.visits);
    }
    // Where visitors are so few that each meets the container of none before.
    for row in &FLEET.rows[..2] {
        let (is, on_paper) = (row.availability_cold_share, row.paper.cold_share);
        assert!((is / on_paper - 1.0).abs() < 0.15, "{}: {is}, {on_paper} on paper", row.visits);
    }
}

#[test]
fn the_rows_on_either_side_of_a_change_of_method_fit_together() {
    let row = |visits: f64| FLEET.rows.iter().find(|row| row.visits >= visits).unwrap();
    let (days, windows) = (row(1e5), row(1e6));
    let bills = [days, windows].map(Row::dollars_a_million);
    assert!((bills[1] / bills[0] - 1.0).abs() < 0.2, "{bills:?}");
}

#[test]
fn every_row_is_paid_for_and_every_limit_is_past_the_one_before() {
    for row in &FLEET.rows {
        assert!(row.bill.dollars() >= row.bill.dollars_after_free_tier());
    }
    assert!(FLEET.limits.is_sorted_by(|one, other| one.visits_a_day <= other.visits_a_day));
    assert!(table::text(&FLEET).contains("the API's throttle"));
}
