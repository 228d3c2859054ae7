//! The client who books: a name, a phone number and an e-mail address.

mod characters;
mod email;
mod name;
mod phone;

use std::fmt;

pub use self::email::Email;
pub use self::name::CustomerName;
pub use self::phone::Phone;

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

/// A country, for phone numbers without a country code: two letters of ISO 3166-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country([u8; 2]);

/// Why a field of a client is refused. The texts are shown to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomerError {
    /// No character of the name is visible.
    #[error("the name is empty")]
    NoName,
    #[error("the name is longer than 100 characters")]
    LongName,
    /// A line break, a NUL, or a character that changes the direction of text.
    #[error("the name contains a control character; type it instead of pasting it")]
    ControlCharacter,
    #[error("this is not a phone number; a number from abroad starts with + and the country code")]
    NotAPhone,
    #[error("this is not an e-mail address; it is written like name@example.com")]
    NotAnEmail,
    /// Quotes, or letters that are not ASCII, before the `@`.
    #[error(
        "the part before the @ contains quotes, accents or letters that mail to this address \
         cannot have; check the spelling, or use another e-mail address"
    )]
    EmailCharacters,
    #[error("the e-mail address contains an invisible character; type it instead of pasting it")]
    InvisibleInEmail,
    #[error("the e-mail address is too long; check the spelling, or use a shorter one")]
    LongEmail,
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
    use proptest::prelude::*;

    use super::*;

    /// Any text: of any characters, or of those that only some scripts and apps write.
    pub(super) fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,30}",
            prop::collection::vec(prop::char::any(), 0..30)
                .prop_map(|characters| characters.into_iter().collect::<String>()),
            "[\\p{Cf}\\p{Cc}\\p{Z}\\p{M}\\p{Pd}\\p{Nd}a-z王é@.+]{0,30}",
        ]
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let country = Country::from_code("US").expect("a country");
        let customer = Customer {
            name: "Ada".parse().expect("a name"),
            phone: Phone::parse("+1 206 555 0100 x 4711", country).expect("a number"),
            email: "ada@example.com".parse().expect("an address"),
        };
        let shown =
            format!("{customer:?} {:?} {:?} {:?}", customer.name, customer.phone, customer.email);
        for personal in ["Ada", "555", "4711", "example"] {
            assert!(!shown.contains(personal), "{shown}");
        }
        assert_eq!(shown, "Customer { .. } CustomerName(…) Phone(…) Email(…)");
    }
}
