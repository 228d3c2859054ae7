//! The model as text.

use std::fmt::Write as _;

use super::{Fleet, Function, Row};
use crate::load_testing::figures::{dollars, large, number, percent};

/// Returns the model as a table, and the limits.
pub(super) fn text(fleet: &Fleet) -> String {
    let mut text = String::new();
    let source = if fleet.measured.is_measured {
        "docs/load-testing/bench.json"
    } else {
        "assumptions, until `cargo dev bench` has written docs/load-testing/bench.json"
    };
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format_args!("times of the functions: {source}\n"));
    let heads = [
        "visits/day",
        "peak req/s",
        "containers",
        "on paper",
        "cold",
        "L1 hits",
        "on paper",
        "L2 hits",
        "reads/day",
        "calendar reads",
        "$/month",
        "$/M visits",
    ];
    line(format_args!("{}", columns(&heads.map(str::to_owned))));
    for row in &fleet.rows {
        line(format_args!("{}", columns(&cells(row))));
    }
    line(format_args!(
        "\ncontainers: of {}, the most at a time. reads: units a day. calendar reads: a day and \
         person.\n$/month: at list prices; after the lasting free tier {}.\n",
        Function::ALL.map(Function::name).join(" + "),
        fleet.rows.first().map_or_else(String::new, |row| {
            format!(
                "{} at {} visits a day",
                dollars(row.bill.dollars_after_free_tier()),
                number(row.visits)
            )
        }),
    ));
    line(format_args!("reached at visits a day, by the busiest hour:"));
    for limit in &fleet.limits {
        line(format_args!("{:>14}  {} ({})", large(limit.visits_a_day), limit.what, limit.amount));
    }
    text
}

fn cells(row: &Row) -> [String; 12] {
    let paper = &row.paper;
    [
        large(row.visits),
        number(row.peak_requests_a_second),
        row.containers.map(|count| count.to_string()).join(" + "),
        paper.containers.map(|count| count.to_string()).join(" + "),
        percent(row.cold_share),
        percent(row.l1_share),
        percent(paper.l1_share),
        percent(row.l2_share),
        large(row.read_units_a_day),
        number(row.calendar_reads_a_day_and_person),
        dollars(row.bill.dollars()),
        dollars(row.dollars_a_million()),
    ]
}

fn columns(cells: &[String; 12]) -> String {
    let widths = [12, 10, 12, 12, 9, 9, 9, 9, 13, 14, 11, 11];
    let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}"));
    cells.collect::<Vec<_>>().join("  ")
}
