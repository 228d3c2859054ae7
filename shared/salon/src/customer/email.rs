//! E-mail addresses that mail and payment services take.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::CustomerError;
use super::characters::{is_control, is_invisible};

/// An e-mail address in ASCII. The part before the `@` is as it was given; the domain is in
/// lower case, and an international one in Punycode.
///
/// Amazon SES takes no other characters before the `@`
/// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>). An address
/// that an earlier version stored may have some.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(Box<str>);

impl Email {
    /// The longest address (RFC 3696, erratum 1690), in bytes.
    const MAX_LENGTH: usize = 254;
    /// The longest part before the `@` (RFC 5321, 4.5.3.1.1), in bytes.
    const MAX_LOCAL_LENGTH: usize = 64;
    /// The longest part of a domain between dots (RFC 1035, 2.3.4), in bytes.
    const MAX_LABEL_LENGTH: usize = 63;

    /// Parses an address in ASCII.
    ///
    /// # Errors
    /// If it is not an address, or one that cannot be written to.
    pub fn from_ascii(address: &str) -> Result<Self, CustomerError> {
        if address.contains(|c| c != ' ' && is_invisible(c)) {
            return Err(CustomerError::InvisibleInEmail);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(CustomerError::NotAnEmail)?;
        let address = format!("{local}@{}", domain.to_ascii_lowercase());
        let is_long = local.len() > Self::MAX_LOCAL_LENGTH
            || address.len() > Self::MAX_LENGTH
            || domain.split('.').any(|label| label.len() > Self::MAX_LABEL_LENGTH);
        if is_long {
            return Err(CustomerError::LongEmail);
        }
        let options =
            Options::default().with_required_tld().without_display_text().without_domain_literal();
        let is_name = |domain: &str| {
            // A last part of digits is that of an IP address.
            let last = domain.rsplit('.').next().unwrap_or_default();
            !last.bytes().all(|byte| byte.is_ascii_digit())
        };
        if EmailAddress::parse_with_options(&address, options).is_err() || !is_name(domain) {
            return Err(CustomerError::NotAnEmail);
        }
        if !address.is_ascii() || local.starts_with('"') {
            return Err(CustomerError::EmailCharacters);
        }
        Ok(Self(address.into()))
    }

    /// Returns an address that was stored, perhaps under rules that were less strict.
    /// `None`: it is empty, or has control characters.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        let as_stored = || Self(text.into());
        (!text.is_empty() && !text.contains(is_control))
            .then(|| text.parse().unwrap_or_else(|_| as_stored()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a form that is the same for most spellings of the address, to count by. It is
    /// not an address to write to, and does not identify anyone.
    ///
    /// By RFC 5321, only the domain ignores case. In practice, large providers ignore
    /// the case of the part before the `@` too, and what follows a `+` in it; Gmail
    /// also ignores dots. Inside quotes, which an earlier version stored, nothing is left out.
    #[must_use]
    pub fn normalised(&self) -> String {
        let address = self.0.to_lowercase();
        let Some((local, domain)) = address.rsplit_once('@') else { return address };
        if local.starts_with('"') {
            return address;
        }
        let name = local.split('+').next().filter(|name| !name.is_empty()).unwrap_or(local);
        match domain {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", name.replace('.', "")),
            _ => format!("{name}@{domain}"),
        }
    }
}

impl FromStr for Email {
    type Err = CustomerError;

    fn from_str(text: &str) -> Result<Self, CustomerError> {
        let address = text.trim();
        // IDNA leaves invisible characters out.
        if address.contains(|c| c != ' ' && is_invisible(c)) {
            return Err(CustomerError::InvisibleInEmail);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(CustomerError::NotAnEmail)?;
        let domain = Uts46::new().to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Ignore,
        );
        let domain = domain.map_err(|_| CustomerError::NotAnEmail)?;
        Self::from_ascii(&format!("{local}@{domain}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::any_text;
    use super::*;

    #[test]
    fn an_address_is_kept_in_ascii_with_its_domain_in_lower_case() {
        let cases = [
            ("a@b.example", "a@b.example"),
            (" someone+tag@example.com\n", "someone+tag@example.com"),
            ("Some.One@Example.COM", "Some.One@example.com"),
            ("o'neil_{x}%y!z@sub.example.co.uk", "o'neil_{x}%y!z@sub.example.co.uk"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            ("ada@例子。example", "ada@xn--fsqu00a.example"),
        ];
        for (given, expected) in cases {
            let email: Email = given.parse().expect(given);
            assert_eq!(email.as_str(), expected, "{given:?}");
            assert_eq!(Email::from_ascii(expected), Ok(email), "it is parsed again");
        }
    }

    #[test]
    fn an_address_and_each_of_its_parts_has_a_longest_length() {
        // Before the `@`, in a label of the domain, and in all.
        let local = |length: usize| format!("{}@example.com", "a".repeat(length));
        let label = |length: usize| format!("a@{}.example", "b".repeat(length));
        let whole = |length: usize| {
            let domain = format!("{0}.{0}.{0}.{1}.de", "b".repeat(60), "c".repeat(length - 199));
            format!("{}@{domain}", "a".repeat(12))
        };
        assert_eq!(whole(254).len(), 254);
        for allowed in [local(64), label(63), whole(254)] {
            assert!(allowed.parse::<Email>().is_ok(), "{allowed}");
            assert!(Email::from_ascii(&allowed).is_ok(), "{allowed}");
        }
        for too_long in [local(65), label(64), whole(255)] {
            assert_eq!(Email::from_ascii(&too_long), Err(CustomerError::LongEmail), "{too_long}");
        }
    }

    #[test]
    fn an_address_that_mail_or_payments_would_refuse_is_refused() {
        let local = |length: usize| format!("{}@example.com", "a".repeat(length));
        let (long_local, longer_local) = (local(65), local(250));
        let long_label = format!("a@{}.example", "b".repeat(64));
        let long = format!("a@{}example", "b.".repeat(130));
        let cases = [
            ("", CustomerError::NotAnEmail),
            ("a", CustomerError::NotAnEmail),
            ("a@", CustomerError::NotAnEmail),
            ("@b.example", CustomerError::NotAnEmail),
            ("a@b", CustomerError::NotAnEmail),
            ("a b@c.example", CustomerError::NotAnEmail),
            ("a@b..example", CustomerError::NotAnEmail),
            ("a@b.example.", CustomerError::NotAnEmail),
            (".a@b.example", CustomerError::NotAnEmail),
            ("a..b@c.example", CustomerError::NotAnEmail),
            ("a.@c.example", CustomerError::NotAnEmail),
            ("a@-b.example", CustomerError::NotAnEmail),
            ("a@b_c.example", CustomerError::NotAnEmail),
            ("a@[127.0.0.1]", CustomerError::NotAnEmail),
            ("a@127.0.0.1", CustomerError::NotAnEmail),
            ("a@xn--.example", CustomerError::NotAnEmail),
            ("Ada <a@b.example>", CustomerError::NotAnEmail),
            ("\"Ada\" <a@b.example>", CustomerError::NotAnEmail),
            ("a@b.example,c@d.example", CustomerError::NotAnEmail),
            ("a(x)@b.example", CustomerError::NotAnEmail),
            ("\"a\"@b.example", CustomerError::EmailCharacters),
            ("\"a b\"@b.example", CustomerError::EmailCharacters),
            ("\"a@c\"@b.example", CustomerError::EmailCharacters),
            ("用户@例子.example", CustomerError::EmailCharacters),
            ("josé@b.example", CustomerError::EmailCharacters),
            ("а@b.example", CustomerError::EmailCharacters),
            ("a@b.example\nBcc: c@d.example", CustomerError::InvisibleInEmail),
            ("a\0@b.example", CustomerError::InvisibleInEmail),
            ("a\u{200b}@b.example", CustomerError::InvisibleInEmail),
            ("a@b\u{200b}.example", CustomerError::InvisibleInEmail),
            ("a@b\u{ad}.example", CustomerError::InvisibleInEmail),
            ("a@b\u{fe0f}.example", CustomerError::InvisibleInEmail),
            ("a\u{a0}@b.example", CustomerError::InvisibleInEmail),
            ("\u{feff}a@b.example", CustomerError::InvisibleInEmail),
            ("a@b.example\u{2069}", CustomerError::InvisibleInEmail),
            (&long_local, CustomerError::LongEmail),
            (&longer_local, CustomerError::LongEmail),
            (&long_label, CustomerError::LongEmail),
            (&long, CustomerError::LongEmail),
        ];
        for (given, expected) in cases {
            assert_eq!(given.parse::<Email>(), Err(expected), "{given:?}");
        }
    }

    #[test]
    fn spellings_of_one_address_are_normalised_to_the_same_form() {
        let cases = [
            ("Some.One@Example.COM", "some.one@example.com"),
            ("some.one+salon@example.com", "some.one@example.com"),
            ("+tag@example.com", "+tag@example.com"),
            ("Some.One+x@googlemail.com", "someone@gmail.com"),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("some.one@gmail.example", "some.one@gmail.example"),
            ("some.one@mail.gmail.com", "some.one@mail.gmail.com"),
            ("some_one-x@gmail.com", "some_one-x@gmail.com"),
            ("\"Some.One+x\"@gmail.com", "\"some.one+x\"@gmail.com"),
        ];
        for (given, expected) in cases {
            assert_eq!(Email::from_stored(given).expect(given).normalised(), expected, "{given}");
        }
    }

    #[test]
    fn an_address_that_was_stored_under_older_rules_is_still_read() {
        let stored = |text| Email::from_stored(text).map(|email| email.as_str().to_owned());
        assert_eq!(stored("用户@例子.example").as_deref(), Some("用户@例子.example"));
        assert_eq!(stored("\"a b\"@c.example").as_deref(), Some("\"a b\"@c.example"));
        assert_eq!(stored("a@bücher.example").as_deref(), Some("a@xn--bcher-kva.example"));
        assert_eq!(stored(""), None);
        assert_eq!(stored("a@b.example\nBcc: c@d.example"), None);
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_visible_ascii(
            (local, domain) in (any_text(), any_text()),
            plain in "[a-zA-Z0-9.+\"-]{1,20}",
        ) {
            for text in [
                local.clone(),
                format!("{local}@{domain}"),
                format!("{plain}@{domain}.example"),
                format!("{local}@b.example"),
            ] {
                let Ok(email) = text.parse::<Email>() else { continue };
                let address = email.as_str();
                prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic()), "{address}");
                prop_assert!(!address.contains('"') && address.len() <= 254);
                prop_assert_eq!(Email::from_ascii(address), Ok(email.clone()));
            }
        }
    }
}
