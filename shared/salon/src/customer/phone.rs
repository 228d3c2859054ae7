//! Phone numbers, as people and contact apps write them.

use phonelib::PhoneNumber;

use super::characters::{ascii_digit, is_dash, is_format, is_space};
use super::{Country, CustomerError};

/// A phone number in E.164, `+`, the country code and the number, and its extension.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    e164: Box<str>,
    extension: Option<Box<str>>,
}

impl Phone {
    /// The longest extension, in digits.
    const MAX_EXTENSION: usize = 10;

    /// Parses a number as people write it. A number without a country code is in
    /// `country`.
    ///
    /// The country code and the length of the number are checked, and the form of area
    /// codes. Whether a number is in service is not known here: new ones are opened
    /// every month.
    ///
    /// # Errors
    /// If it is not a number that its country could have.
    pub fn parse(text: &str, country: Country) -> Result<Self, CustomerError> {
        Self::parse_parts(text, country).ok_or(CustomerError::NotAPhone)
    }

    fn parse_parts(text: &str, country: Country) -> Option<Self> {
        let text: String = text.chars().filter(|c| !is_format(*c)).collect();
        let text = text.trim().chars().map(plain_character).collect::<Option<String>>()?;
        let text = text.strip_prefix("tel:").unwrap_or(&text);
        let marker = |c: char| c.is_ascii_alphabetic() || matches!(c, '#' | ',' | ';');
        let number_end = text.find(marker).unwrap_or(text.len());
        let (number, extension) = text.split_at(number_end);
        let phone = Self::from_e164(&e164(&dialled_digits(number)?, country)?)?;
        if extension.is_empty() {
            return Some(phone);
        }
        phone.with_extension(extension_digits(extension))
    }

    /// Parses a number in E.164. Service numbers, which are shorter than 7 digits with the
    /// country code, are refused.
    #[must_use]
    pub fn from_e164(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_well_formed = (7..=15).contains(&digits.len()) && is_digits(digits);
        is_well_formed.then(|| Self { e164: text.into(), extension: None })
    }

    /// Adds the extension. Returns `None` unless it has 1 to 10 digits.
    #[must_use]
    pub fn with_extension(self, digits: &str) -> Option<Self> {
        let is_well_formed = (1..=Self::MAX_EXTENSION).contains(&digits.len()) && is_digits(digits);
        is_well_formed.then(|| Self { extension: Some(digits.into()), ..self })
    }

    /// Returns the number in E.164, without the extension.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// Returns the digits of the extension.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Returns the number and the extension for a person who calls: `+12065550100 ext. 12`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self.extension() {
            None => self.e164.to_string(),
            Some(extension) => format!("{} ext. {extension}", self.e164),
        }
    }
}

/// Replaces a character by the ASCII character that it stands for in a phone number, in
/// lower case. Returns `None` for characters that have no place in one.
fn plain_character(character: char) -> Option<char> {
    match character {
        // The full-width forms of ASCII, in the same order.
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(character) - 0xFEE0).map(|c| c.to_ascii_lowercase())
        }
        '·' | '•' | '∙' => Some('.'),
        c if c.is_ascii_graphic() => Some(c.to_ascii_lowercase()),
        c if is_space(c) => Some(' '),
        c if is_dash(c) => Some('-'),
        c => ascii_digit(c),
    }
}

/// Returns what is dialled: the digits, and the `+`, which phonelib allows only before them.
fn dialled_digits(number: &str) -> Option<String> {
    let mut dialled = String::new();
    for character in number.chars() {
        match character {
            '0'..='9' | '+' => dialled.push(character),
            ' ' | '-' | '.' | '/' | '(' | ')' | '[' | ']' => {}
            _ => return None,
        }
    }
    Some(dialled)
}

/// Removes what stands around the digits of an extension such as `x12`, `;ext=12` or
/// `(ext. 12)`.
fn extension_digits(text: &str) -> &str {
    let text = text.trim_start_matches(['#', ',', ';', ' ']);
    // `p` and `w` are the pauses that phones dial.
    let words = ["extension", "extn", "ext", "x", "p", "w"];
    let digits = words.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    let digits = digits.trim_start_matches([' ', '.', ':', '=', '-', '#']);
    digits.trim_end_matches([' ', ')', ']'])
}

/// Returns a dialled number in E.164.
///
/// phonelib checks numbers by their form, with two exceptions that are read here.
fn e164(dialled: &str, country: Country) -> Option<String> {
    let parse = |dialled: &str| {
        let number = PhoneNumber::try_parse_with_country(dialled, country.as_str()).ok()?;
        Some(number.e164().to_owned())
    };
    let with_prefix = || {
        let (prefix, national) = dialled.split_at_checked(dialled.len().checked_sub(10)?)?;
        north_american(prefix, national, parse).or_else(|| old_mexican(prefix, national, parse))
    };
    parse(dialled).or_else(with_prefix)
}

/// Reads a number of the North American plan. phonelib has the list of its area codes, in
/// which a new one is missing: the number is parsed with an old one in its place.
fn north_american(
    prefix: &str,
    national: &str,
    parse: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    const KNOWN: &str = "212";
    let (area, local) = national.split_at_checked(KNOWN.len())?;
    let parsed = parse(&format!("{prefix}{KNOWN}{local}"))?;
    (is_area_code(area) && parsed == format!("+1{KNOWN}{local}"))
        .then(|| format!("+1{area}{local}"))
}

/// Reads the number of a Mexican mobile phone with the `1` that stood after the country code
/// until 2019, and that many contacts still have. phonelib finds it too long.
fn old_mexican(
    prefix: &str,
    national: &str,
    parse: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let before = prefix.strip_suffix("521")?;
    let parsed = parse(&format!("{before}52{national}"))?;
    (parsed == format!("+52{national}")).then_some(parsed)
}

/// Returns whether three digits have the form of a North American area code. `N11` are
/// service codes.
fn is_area_code(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'2'..=b'9', b'0'..=b'9', b'0'..=b'9']) && !digits.ends_with("11")
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
