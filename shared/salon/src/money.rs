//! Money: a number of minor units and a currency.

use std::fmt;

use serde::ser::SerializeStruct;

/// A currency in which a deposit can be charged: one for which Stripe documents a
/// minimum charge
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(&'static CurrencyRow);

#[derive(Debug, PartialEq, Eq, Hash)]
struct CurrencyRow {
    code: &'static str,
    /// Digits after the decimal point.
    digits: u32,
    /// Stripe's minimum charge, in minor units.
    minimum: i64,
}

const fn row(code: &'static str, digits: u32, minimum: i64) -> CurrencyRow {
    CurrencyRow { code, digits, minimum }
}

static CURRENCIES: [CurrencyRow; 23] = [
    row("aed", 2, 200),
    row("aud", 2, 50),
    row("brl", 2, 50),
    row("cad", 2, 50),
    row("chf", 2, 50),
    row("czk", 2, 1500),
    row("dkk", 2, 250),
    row("eur", 2, 50),
    row("gbp", 2, 30),
    row("hkd", 2, 400),
    row("huf", 2, 17500),
    row("inr", 2, 50),
    row("jpy", 0, 50),
    row("mxn", 2, 1000),
    row("myr", 2, 200),
    row("nok", 2, 300),
    row("nzd", 2, 50),
    row("pln", 2, 200),
    row("ron", 2, 200),
    row("sek", 2, 300),
    row("sgd", 2, 50),
    row("thb", 2, 1000),
    row("usd", 2, 50),
];

impl Currency {
    /// Finds a currency by its ISO 4217 code, ignoring case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CURRENCIES.iter().find(|row| row.code.eq_ignore_ascii_case(code)).map(Self)
    }

    /// Iterates over the lower-case codes of all supported currencies, in order.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        CURRENCIES.iter().map(|row| row.code)
    }

    /// Returns the lower-case ISO 4217 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0.code
    }

    /// Returns the smallest amount that Stripe charges in this currency.
    #[must_use]
    pub const fn minimum_charge(self) -> Money {
        Money::new(self.0.minimum, self)
    }
}

/// An amount of money, in the currency's minor unit (cents, pence, whole yen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// Makes an amount of `amount` minor units.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Makes an amount of whole units: dollars, not cents. Returns `None` on
    /// overflow.
    #[must_use]
    pub fn from_major(units: i64, currency: Currency) -> Option<Self> {
        let factor = 10_i64.pow(currency.0.digits);
        Some(Self::new(units.checked_mul(factor)?, currency))
    }

    /// Parses a decimal such as `99.50`, with at most as many decimal places as the
    /// currency has.
    #[must_use]
    pub fn parse_major(text: &str, currency: Currency) -> Option<Self> {
        let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = currency.0.digits as usize;
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if units.is_empty() || !all_digits(units) || !all_digits(fraction) {
            return None;
        }
        if fraction.len() > digits || (fraction.is_empty() && text.contains('.')) {
            return None;
        }
        let minor = format!("{units}{fraction:0<digits$}");
        Some(Self::new(minor.parse().ok()?, currency))
    }

    /// Returns the number of minor units.
    #[must_use]
    pub const fn amount(self) -> i64 {
        self.amount
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Returns a percentage of the amount, rounded up to a minor unit.
    #[must_use]
    pub fn percent(self, percent: u8) -> Self {
        let exact = i128::from(self.amount) * i128::from(percent);
        let amount = (exact + 99).div_euclid(100);
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        Self::new(amount, self.currency)
    }
}

/// `50.00 USD`
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.0.digits;
        let code = self.currency.code().to_ascii_uppercase();
        let factor = 10_i64.pow(digits);
        let (units, fraction) = (self.amount / factor, (self.amount % factor).abs());
        if digits == 0 {
            write!(f, "{units} {code}")
        } else {
            write!(f, "{units}.{fraction:0width$} {code}", width = digits as usize)
        }
    }
}

/// `{"amount": 5000, "currency": "usd"}`
impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.amount)?;
        money.serialize_field("currency", self.currency.code())?;
        money.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect("a supported currency")
    }

    #[test]
    fn a_decimal_is_parsed_to_minor_units() {
        let cases = [
            ("usd", "99.50", Some(9950)),
            ("usd", "99.5", Some(9950)),
            ("usd", "99", Some(9900)),
            ("usd", "0.05", Some(5)),
            ("usd", "99.505", None),
            ("usd", "99.", None),
            ("usd", ".5", None),
            ("usd", "-5", None),
            ("usd", "1e3", None),
            ("usd", "", None),
            ("usd", "99999999999999999999", None),
            ("jpy", "500", Some(500)),
            ("jpy", "500.5", None),
        ];
        for (code, text, expected) in cases {
            let read = Money::parse_major(text, currency(code)).map(Money::amount);
            assert_eq!(read, expected, "{text} {code}");
        }
    }

    #[test]
    fn whole_units_are_converted_to_minor_units() {
        let cases = [
            ("usd", 50, Some(5_000)),
            ("jpy", 50, Some(50)),
            ("usd", 0, Some(0)),
            ("usd", i64::MAX / 100, Some(i64::MAX / 100 * 100)),
            ("usd", i64::MAX / 100 + 1, None),
        ];
        for (code, units, expected) in cases {
            let money = Money::from_major(units, currency(code));
            assert_eq!(money.map(Money::amount), expected, "{units} {code}");
        }
    }

    #[test]
    fn a_percentage_rounds_up() {
        let cases =
            [(9_999, 30, 3_000), (10_000, 30, 3_000), (9_999, 100, 9_999), (1, 1, 1), (500, 0, 0)];
        for (price, percent, expected) in cases {
            let part = Money::new(price, currency("usd")).percent(percent);
            assert_eq!(part, Money::new(expected, currency("usd")), "{percent} % of {price}");
        }
    }

    #[test]
    fn money_is_displayed_with_decimal_places_and_currency() {
        let cases = [
            ("USD", 5_000, "50.00 USD"),
            ("eur", 5_005, "50.05 EUR"),
            ("gbp", 99, "0.99 GBP"),
            ("usd", -1_250, "-12.50 USD"),
            ("jpy", 50, "50 JPY"),
        ];
        for (code, amount, expected) in cases {
            assert_eq!(Money::new(amount, currency(code)).to_string(), expected);
        }
    }

    #[test]
    fn a_currency_has_a_code_and_a_least_charge() {
        assert_eq!(Currency::from_code("xyz"), None);
        assert_eq!(Currency::codes().collect::<Vec<_>>().len(), 23);
        for code in Currency::codes() {
            let found = currency(code);
            assert_eq!((found.code(), currency(&code.to_uppercase())), (code, found));
            assert_eq!(found.minimum_charge().currency(), found);
        }
        let least = |code| currency(code).minimum_charge().to_string();
        let expected = ["0.50 USD", "0.30 GBP", "175.00 HUF", "50 JPY"];
        assert_eq!(["usd", "gbp", "huf", "jpy"].map(least), expected);
    }
}
