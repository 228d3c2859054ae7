//! Validation of JSON documents that contain secrets.
//!
//! An error names the path of a field, and never its value. The JSON parser's
//! own messages would quote it. All errors are reported at once.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An invalid field of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ValidationError {
    /// The path of the field, such as `google.serviceAccount.private_key`.
    pub path: String,
    pub message: String,
}

/// All errors of a document. They contain no value of the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(pub Vec<ValidationError>);

/// Prints one error per line.
impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// A JSON value. Only the types that the documents use are kept.
pub(super) enum JsonValue {
    /// The fields in their order. A repeated key is kept.
    Object(Vec<(String, JsonValue)>),
    Text(SecretString),
    /// Numbers, lists and the like.
    Other,
}

/// Parses a document, and validates it with `validate`.
pub(super) fn parse<T>(
    json: &SecretString,
    name: &str,
    validate: impl FnOnce(&mut Validator, &str, &JsonValue) -> Option<T>,
) -> Result<T, ValidationErrors> {
    let mut validator = Validator::default();
    let value = match serde_json::from_str(json.expose_secret()) {
        Ok(value) => value,
        Err(error) => {
            let message = format!("not JSON, at line {} column {}", error.line(), error.column());
            validator.report(name, message);
            return Err(ValidationErrors(validator.errors));
        }
    };
    match validate(&mut validator, name, &value) {
        Some(document) if validator.errors.is_empty() => Ok(document),
        _ => Err(ValidationErrors(validator.errors)),
    }
}

/// Checks the values of a document, and collects the errors.
#[derive(Default)]
pub(super) struct Validator {
    errors: Vec<ValidationError>,
}

impl Validator {
    pub(super) fn report(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(ValidationError { path: path.to_owned(), message: message.into() });
    }

    /// Returns the fields of an object. Reports repeated keys.
    pub(super) fn object<'a>(
        &mut self,
        path: &str,
        value: &'a JsonValue,
    ) -> Option<&'a [(String, JsonValue)]> {
        let JsonValue::Object(fields) = value else {
            self.report(path, "must be an object");
            return None;
        };
        let mut seen = BTreeSet::new();
        let mut reported = BTreeSet::new();
        for (key, _) in fields {
            if !seen.insert(key) && reported.insert(key) {
                self.report(&join(path, key), "occurs more than once");
            }
        }
        Some(fields)
    }

    /// Reports every key that is not in `known`.
    pub(super) fn known_keys(
        &mut self,
        path: &str,
        fields: &[(String, JsonValue)],
        known: &[&str],
    ) {
        for (key, _) in fields {
            if !known.contains(&key.as_str()) {
                let message = format!("unknown field, expected one of {}", known.join(", "));
                self.report(&join(path, key), message);
            }
        }
    }

    /// Returns a text that is not empty.
    pub(super) fn text<'a>(
        &mut self,
        path: &str,
        value: &'a JsonValue,
    ) -> Option<&'a SecretString> {
        match value {
            JsonValue::Text(text) if text.expose_secret().trim().is_empty() => {
                self.report(path, "is empty");
                None
            }
            JsonValue::Text(text) => Some(text),
            JsonValue::Object(_) | JsonValue::Other => {
                self.report(path, "must be text");
                None
            }
        }
    }

    /// Returns the text of a required field.
    pub(super) fn required_text<'a>(
        &mut self,
        path: &str,
        fields: &'a [(String, JsonValue)],
        key: &str,
    ) -> Option<&'a SecretString> {
        let path = join(path, key);
        if let Some(value) = find(fields, key) {
            return self.text(&path, value);
        }
        self.report(&path, "is missing");
        None
    }
}

/// Finds a value by its key.
pub(super) fn find<'a>(fields: &'a [(String, JsonValue)], key: &str) -> Option<&'a JsonValue> {
    fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Appends a key to a path. A key that is not a name may be a secret that was
/// pasted on the wrong side of the colon, so it is hidden.
pub(super) fn join(path: &str, key: &str) -> String {
    if is_name(key) { format!("{path}.{key}") } else { format!("{path}.(a key)") }
}

/// Returns whether a key is a name: at most 40 letters, digits, `_` and `-`.
pub(super) fn is_name(key: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=40).contains(&key.len()) && key.bytes().all(is_allowed)
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
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(JsonValue::Object(fields))
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
