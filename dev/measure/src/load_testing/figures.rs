//! Figures as people read them.

/// Returns a count as a number to reckon with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "nothing here is counted up to 2^53")]
pub(crate) const fn exact(count: u64) -> f64 {
    count as f64
}

/// Writes a number with so many digits that matter, thousands apart.
#[must_use]
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        _ if size < 0.1 => 3,
        _ if size < 1.0 => 3,
        _ if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = thousands(whole);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// Writes a count, thousands apart.
#[must_use]
pub(crate) fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// Writes a number that is large in three digits and a word: 1.23 million.
#[must_use]
pub(crate) fn large(value: f64) -> String {
    match value {
        _ if value >= 1e9 => format!("{} billion", rounded(value / 1e9)),
        _ if value >= 1e6 => format!("{} million", rounded(value / 1e6)),
        _ if value >= 1e3 => thousands(&format!("{value:.0}")),
        _ => rounded(value),
    }
}

/// Writes a share as a percentage, the closer to all or nothing the more exactly.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.min(100.0 - percent).abs() {
        rest if rest < 1e-9 => 0,
        rest if rest < 0.01 => 4,
        rest if rest < 0.1 => 3,
        rest if rest < 1.0 => 2,
        rest if rest < 10.0 => 1,
        _ => 0,
    };
    format!("{percent:.decimals$} %")
}

/// Writes dollars, with cents where they matter.
#[must_use]
pub(crate) fn dollars(value: f64) -> String {
    let text = if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
    let (whole, cents) =
        text.split_once('.').map_or((&*text, ""), |(whole, _)| (whole, &text[whole.len()..]));
    format!("${}{cents}", thousands(whole))
}

fn rounded(value: f64) -> String {
    let decimals = match value {
        _ if value < 10.0 => 2,
        _ if value < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Puts a comma after every third digit from the right.
fn thousands(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
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
            (0.0, "0"),
            (0.0512, "0.051"),
            (0.5, "0.5"),
            (0.625, "0.625"),
            (12.34, "12.3"),
            (100.4, "100"),
            (1_234_567.8, "1,234,568"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), expected);
        }
        for (value, expected) in
            [(27.0, "27"), (964.2, "964"), (12_345.0, "12,345"), (1_234_567.0, "1.23 million")]
        {
            assert_eq!(large(value), expected);
        }
    }

    #[test]
    fn shares_are_exact_near_all_and_nothing() {
        for (share, expected) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.5, "50 %"),
            (0.95, "95.0 %"),
            (0.9987, "99.87 %"),
            (0.000_012, "0.0012 %"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn dollars_have_cents_while_they_are_few() {
        for (value, expected) in [(0.0, "$0.00"), (99.9, "$99.90"), (12_345.6, "$12,346")] {
            assert_eq!(dollars(value), expected);
        }
    }
}
