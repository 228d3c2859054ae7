//! Reading JSON documents that hold secrets.
//!
//! A mistake is reported by its place, never by what is there: the parser's
//! own messages would quote it. All mistakes are reported at once.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A mistake in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ValidationError {
    /// Where it is, such as `google.serviceAccount.private_key`.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

/// All mistakes in a document. No value of the document is among them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(pub Vec<ValidationError>);

/// Shows the mistakes, one a line.
impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// A value, as far as these documents have any.
pub(super) enum JsonValue {
    /// In the order of the document, with a key as often as it is there.
    Object(Vec<(String, JsonValue)>),
    Text(SecretString),
    /// Numbers, lists and the like.
    Other,
}

/// Reads a document, and looks at what it holds.
pub(super) fn read<T>(
    json: &SecretString,
    name: &str,
    check: impl FnOnce(&mut Validator, &str, &JsonValue) -> Option<T>,
) -> Result<T, ValidationErrors> {
    let mut checker = Validator::default();
    let node = match serde_json::from_str(json.expose_secret()) {
        Ok(node) => node,
        Err(error) => {
            let what = format!("not JSON, at line {} column {}", error.line(), error.column());
            checker.report(name, what);
            return Err(ValidationErrors(checker.problems));
        }
    };
    match check(&mut checker, name, &node) {
        Some(value) if checker.problems.is_empty() => Ok(value),
        _ => Err(ValidationErrors(checker.problems)),
    }
}

/// Collects mistakes.
#[derive(Default)]
pub(super) struct Validator {
    problems: Vec<ValidationError>,
}

impl Validator {
    pub(super) fn report(&mut self, place: &str, what: impl Into<String>) {
        self.problems.push(ValidationError { place: place.to_owned(), what: what.into() });
    }

    /// Takes an object apart.
    pub(super) fn object<'a>(
        &mut self,
        place: &str,
        node: &'a JsonValue,
    ) -> Option<&'a [(String, JsonValue)]> {
        let JsonValue::Object(entries) = node else {
            self.report(place, "must be an object");
            return None;
        };
        let mut seen = BTreeSet::new();
        let mut told = BTreeSet::new();
        for (key, _) in entries {
            if !seen.insert(key) && told.insert(key) {
                self.report(&inside(place, key), "is there more than once");
            }
        }
        Some(entries)
    }

    /// Reports every key but these.
    pub(super) fn only(&mut self, place: &str, entries: &[(String, JsonValue)], known: &[&str]) {
        for (key, _) in entries {
            if !known.contains(&key.as_str()) {
                let what = format!("unknown; known are {}", known.join(", "));
                self.report(&inside(place, key), what);
            }
        }
    }

    /// Takes a text that is not empty.
    pub(super) fn text<'a>(
        &mut self,
        place: &str,
        node: &'a JsonValue,
    ) -> Option<&'a SecretString> {
        match node {
            JsonValue::Text(text) if text.expose_secret().trim().is_empty() => {
                self.report(place, "is empty");
                None
            }
            JsonValue::Text(text) => Some(text),
            JsonValue::Object(_) | JsonValue::Other => {
                self.report(place, "must be text");
                None
            }
        }
    }

    /// Takes a text that has to be there.
    pub(super) fn required<'a>(
        &mut self,
        place: &str,
        entries: &'a [(String, JsonValue)],
        key: &str,
    ) -> Option<&'a SecretString> {
        let place = inside(place, key);
        if let Some(node) = find(entries, key) {
            return self.text(&place, node);
        }
        self.report(&place, "is missing");
        None
    }
}

/// Finds a value by its key.
pub(super) fn find<'a>(entries: &'a [(String, JsonValue)], key: &str) -> Option<&'a JsonValue> {
    entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
}

/// Names a place inside another. A key is a name, not a secret, if it looks
/// like one: an address pasted on the wrong side of the colon does not.
pub(super) fn inside(place: &str, key: &str) -> String {
    if is_name(key) { format!("{place}.{key}") } else { format!("{place}.(a key)") }
}

/// Tells whether a key is a name: letters, digits, `_` and `-`, at most 40.
pub(super) fn is_name(key: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=40).contains(&key.len()) && key.bytes().all(usual)
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonValueVisitor)
    }
}

struct JsonValueVisitor;

impl<'de> Visitor<'de> for JsonValueVisitor {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(JsonValue::Object(entries))
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::Text(SecretString::from(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonValue, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(JsonValue::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_unit<E>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }
}
