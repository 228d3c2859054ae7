//! Names of clients.

use std::str::FromStr;

use super::CustomerError;
use super::characters::{is_control, is_format, is_visible};

/// A name of 1 to 100 characters, in any script. At least one of them is visible.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerName(Box<str>);

impl CustomerName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 100;

    /// Returns a name that was stored, perhaps under rules that were less strict. `None`:
    /// it is empty, or has control characters.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains(is_control)).then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Leaves out the invisible characters that come along when a name is copied, such as
/// marks of the text direction. Joiners stay inside a name: Persian, Hindi and emoji
/// are written with them.
impl FromStr for CustomerName {
    type Err = CustomerError;

    fn from_str(text: &str) -> Result<Self, CustomerError> {
        let text = text.trim();
        if text.contains(|c| is_control(c) || overrides_direction(c)) {
            return Err(CustomerError::ControlCharacter);
        }
        let name: String = text.chars().filter(|c| is_joiner(*c) || !is_format(*c)).collect();
        let name = name.trim_matches(|c: char| c.is_whitespace() || is_joiner(c));
        if !name.contains(is_visible) {
            return Err(CustomerError::NoName);
        }
        if name.chars().count() > Self::MAX_LENGTH {
            return Err(CustomerError::LongName);
        }
        Ok(Self(name.into()))
    }
}

/// Returns whether a character embeds or overrides the text direction, with which one name
/// can imitate another.
const fn overrides_direction(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}')
}

/// Returns whether a character joins the letters or emoji around it, or keeps them apart.
const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200C}' | '\u{200D}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::any_text;
    use super::*;

    #[test]
    fn a_name_may_be_in_any_script_without_control_characters() {
        let hundred = "é".repeat(100);
        for given in [
            "Ada",
            " Ada Lovelace ",
            "王小明",
            "محمد",
            "O'Neil-Søn",
            "👩🏽‍🎤",
            "علی\u{200c}رضا",
            "Zoe\u{308}",
            "7",
            "?",
            &hundred,
        ] {
            let name: CustomerName = given.parse().expect(given);
            assert_eq!(name.as_str(), given.trim());
        }
        for copied in [
            "\u{2068}Ada\u{200e} Love\u{ad}lace\u{2069}\u{200b}",
            "\u{200e} Ada Lovelace \u{200b}",
            "\u{200d}Ada Lovelace\u{200c}",
            "\u{200d} \u{200e}Ada Lovelace",
        ] {
            let name: CustomerName = copied.parse().expect(copied);
            assert_eq!(name.as_str(), "Ada Lovelace", "{copied:?}");
        }
        let too_long = "é".repeat(101);
        let refused = [
            ("", CustomerError::NoName),
            (" \u{a0} ", CustomerError::NoName),
            ("\u{301}\u{308}", CustomerError::NoName),
            ("\u{200b}\u{200e}\u{feff}", CustomerError::NoName),
            ("\u{3164}\u{2800} \u{fe0f}", CustomerError::NoName),
            ("\u{200d}\u{301}", CustomerError::NoName),
            ("\u{e000}", CustomerError::NoName),
            (too_long.as_str(), CustomerError::LongName),
            ("Ada\r\nBcc: all@example.com", CustomerError::ControlCharacter),
            ("Ada\u{2029}Bcc", CustomerError::ControlCharacter),
            ("Ada\0", CustomerError::ControlCharacter),
            ("Ada\u{202e}ecalevoL", CustomerError::ControlCharacter),
        ];
        for (given, expected) in refused {
            assert_eq!(given.parse::<CustomerName>(), Err(expected), "{given:?}");
        }
    }

    #[test]
    fn a_name_that_was_stored_under_older_rules_is_still_read() {
        assert!(CustomerName::from_stored("\u{301}").is_some());
        assert!(CustomerName::from_stored("").is_none());
        assert!(CustomerName::from_stored("Ada\nBcc").is_none());
    }

    proptest! {
        #[test]
        fn an_accepted_name_has_a_visible_character_and_no_control_character(text in any_text()) {
            if let Ok(name) = text.parse::<CustomerName>() {
                let name = name.as_str();
                prop_assert!(name.contains(is_visible));
                prop_assert!(!name.contains(is_control));
                prop_assert!(!name.contains(|c| is_format(c) && !is_joiner(c)));
                prop_assert!((1..=100).contains(&name.chars().count()));
                prop_assert_eq!(
                    name.parse::<CustomerName>().map(|again| again.as_str().to_owned()),
                    Ok(name.to_owned())
                );
            }
        }
    }
}
