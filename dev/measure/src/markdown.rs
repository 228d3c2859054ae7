//! Markdown tables, and the numbers in them.

/// Writes a table of words.
pub(crate) fn words<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    table(headings, "---", rows)
}

/// Writes a table whose first column is words and whose other columns are numbers.
pub(crate) fn numbers<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    table(headings, "---:", rows)
}

fn table<const N: usize>(headings: [&str; N], alignment: &str, rows: Vec<[String; N]>) -> String {
    let mut lines = vec![
        format!("| {} |", headings.join(" | ")),
        format!("|---|{}", format!("{alignment}|").repeat(N - 1)),
    ];
    lines.extend(rows.into_iter().map(|cells| format!("| {} |", cells.join(" | "))));
    lines.join("\n") + "\n"
}

/// Writes a value with about three significant digits.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", separated(whole)),
        None => separated(&text),
    }
}

/// Writes a count with separated thousands.
pub(crate) fn count(value: u64) -> String {
    separated(&value.to_string())
}

/// Puts a comma before every third digit from the right.
fn separated(whole: &str) -> String {
    let digits = whole.trim_start_matches('-');
    let mut text = whole[..whole.len() - digits.len()].to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        for (value, expected) in [
            (0.0, "0.00"),
            (0.625, "0.62"),
            (12.34, "12.3"),
            (100.4, "100"),
            (1_234_567.8, "1,234,568"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_table_has_a_line_for_the_headings_the_alignment_and_each_row() {
        let row = ["availability".to_owned(), "5".to_owned()];
        assert_eq!(
            numbers(["function", "p50, ms"], vec![row]),
            "| function | p50, ms |\n|---|---:|\n| availability | 5 |\n"
        );
    }
}
