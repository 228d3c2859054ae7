//! The client who books: a name, a phone number and an e-mail address.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use phonelib::PhoneNumber;

/// A client. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    pub name: CustomerName,
    pub phone: Phone,
    pub email: Email,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").finish_non_exhaustive()
    }
}

/// A name of 1 to 100 characters, in any script.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerName(Box<str>);

/// A phone number in E.164: `+`, the country code and the number.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(Box<str>);

/// An e-mail address, in the spelling that was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(Box<str>);

/// A country, for phone numbers without a country code: two letters of ISO 3166-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country([u8; 2]);

/// Why a field of a client is refused. The texts are shown to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomerError {
    #[error("the name is empty")]
    NoName,
    #[error("the name is longer than 100 characters")]
    LongName,
    /// A line break, a NUL, or a character that changes the direction of text.
    #[error("the name contains a control character")]
    ControlCharacter,
    #[error("this is not a phone number; a number from abroad starts with + and the country code")]
    NotAPhone,
    #[error("this is not an e-mail address")]
    NotAnEmail,
}

impl CustomerName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 100;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomerName {
    type Err = CustomerError;

    fn from_str(text: &str) -> Result<Self, CustomerError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(CustomerError::NoName);
        }
        if name.chars().count() > Self::MAX_LENGTH {
            return Err(CustomerError::LongName);
        }
        if name.chars().any(is_control) {
            return Err(CustomerError::ControlCharacter);
        }
        Ok(Self(name.into()))
    }
}

/// Returns whether a character controls the display: control characters, line and
/// paragraph separators, and overrides of the text direction, with which one name
/// can imitate another.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

impl Phone {
    /// The longest text that is parsed, in bytes: 15 digits in groups, and an
    /// extension.
    const MAX_LENGTH: usize = 40;

    /// Parses a number as people write it. A number without a country code is in
    /// `country`. An extension is dropped.
    ///
    /// # Errors
    /// If it is not a valid number in its country.
    pub fn parse(text: &str, country: Country) -> Result<Self, CustomerError> {
        let allowed = |c: char| c.is_ascii_digit() || " +-./()x#".contains(c) || "ext".contains(c);
        if text.len() > Self::MAX_LENGTH || !text.chars().all(allowed) {
            return Err(CustomerError::NotAPhone);
        }
        let number = PhoneNumber::try_parse_with_country(text, country.as_str());
        let number = number.map_err(|_| CustomerError::NotAPhone)?;
        Ok(Self(number.e164().into()))
    }

    /// Parses a number in E.164.
    #[must_use]
    pub fn from_e164(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let well_formed = (7..=15).contains(&digits.len());
        (well_formed && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Email {
    /// The longest address (RFC 3696, erratum 1690), in bytes.
    const MAX_LENGTH: usize = 254;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a form that is the same for every spelling of the address.
    ///
    /// By RFC 5321, only the domain ignores case. In practice, large providers
    /// ignore the case of the local part too.
    #[must_use]
    pub fn normalised(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Email {
    type Err = CustomerError;

    fn from_str(text: &str) -> Result<Self, CustomerError> {
        let address = text.trim();
        let options =
            Options::default().with_required_tld().without_display_text().without_domain_literal();
        let is_form_right = EmailAddress::parse_with_options(address, options).is_ok();
        if address.len() > Self::MAX_LENGTH || address.chars().any(is_control) || !is_form_right {
            return Err(CustomerError::NotAnEmail);
        }
        Ok(Self(address.into()))
    }
}

impl Country {
    /// Finds a country by its two letters, ignoring case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let upper = code.to_ascii_uppercase();
        let letters = <[u8; 2]>::try_from(upper.as_bytes()).ok()?;
        phonelib::country_by_code(&upper).map(|_| Self(letters))
    }

    /// Returns the two letters in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Implements `Debug` without the personal value.
macro_rules! redacted_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
redacted_debug!(CustomerName, Phone, Email);

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::from_code(code).expect("a country")
    }

    #[test]
    fn a_phone_number_without_a_country_code_is_in_the_salons_country() {
        let cases = [
            ("US", "+1 206 555 0100", "+12065550100"),
            ("US", "(206) 555-0100", "+12065550100"),
            ("US", "206.555.0100", "+12065550100"),
            ("US", "1-206-555-0100", "+12065550100"),
            ("US", "206 555 0100 x 12", "+12065550100"),
            ("US", "+44 20 7946 0018", "+442079460018"),
            ("GB", "020 7946 0018", "+442079460018"),
            ("GB", "+44 (0)20 7946 0018", "+442079460018"),
            ("DE", "0151 23456789", "+4915123456789"),
            ("DE", "0049 151 23456789", "+4915123456789"),
            ("IT", "06 698 12345", "+390669812345"),
            ("FR", "06 12 34 56 78", "+33612345678"),
        ];
        for (code, given, expected) in cases {
            let phone = Phone::parse(given, country(code)).expect(given);
            assert_eq!(phone.as_str(), expected, "{given} in {code}");
            assert_eq!(Phone::from_e164(expected), Some(phone), "E.164 is parsed again");
        }
    }

    #[test]
    fn an_invalid_phone_number_is_refused() {
        let long = "+1 206 555 0100".repeat(9);
        for given in [
            "",
            "12",
            "911",
            "abc",
            "+999 123456789",
            "+1 999 999 9999 9",
            "1-800-FLOWERS",
            "call 206 555 0100",
            "+1 206 555 0100\0",
            "１２０６５５５０１００",
            &long,
        ] {
            assert_eq!(
                Phone::parse(given, country("US")),
                Err(CustomerError::NotAPhone),
                "{given:?}"
            );
        }
    }

    #[test]
    fn a_name_may_be_in_any_script_without_control_characters() {
        let hundred = "é".repeat(100);
        for given in ["Ada", " Ada Lovelace ", "王小明", "محمد", "O'Neil-Søn", "👩🏽‍🎤", &hundred]
        {
            let name: CustomerName = given.parse().expect(given);
            assert_eq!(name.as_str(), given.trim());
        }
        let too_long = "é".repeat(101);
        let refused = [
            ("", CustomerError::NoName),
            (" \u{a0} ", CustomerError::NoName),
            (too_long.as_str(), CustomerError::LongName),
            ("Ada\r\nBcc: all@example.com", CustomerError::ControlCharacter),
            ("Ada\0", CustomerError::ControlCharacter),
            ("Ada\u{202e}ecalevoL", CustomerError::ControlCharacter),
        ];
        for (given, expected) in refused {
            assert_eq!(given.parse::<CustomerName>(), Err(expected), "{given:?}");
        }
    }

    #[test]
    fn an_invalid_email_address_is_refused() {
        for given in ["a@b.example", "someone+tag@example.com", "用户@例子.example"] {
            assert!(given.parse::<Email>().is_ok(), "{given}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for given in [
            "",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a b@c.example",
            "a@b..example",
            "a@[127.0.0.1]",
            "Ada <a@b.example>",
            "a@b.example\nBcc: c@d.example",
            "a@b.example,c@d.example",
            &long,
        ] {
            assert_eq!(given.parse::<Email>(), Err(CustomerError::NotAnEmail), "{given:?}");
        }
        let spelt: Email = "Some.One@Example.COM".parse().expect("an address");
        assert_eq!(spelt.as_str(), "Some.One@Example.COM");
        assert_eq!(spelt.normalised(), "some.one@example.com");
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let customer = Customer {
            name: "Ada".parse().expect("a name"),
            phone: Phone::parse("+1 206 555 0100", country("US")).expect("a number"),
            email: "ada@example.com".parse().expect("an address"),
        };
        let shown =
            format!("{customer:?} {:?} {:?} {:?}", customer.name, customer.phone, customer.email);
        for personal in ["Ada", "555", "example"] {
            assert!(!shown.contains(personal), "{shown}");
        }
    }
}
