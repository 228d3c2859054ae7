//! Parses and checks form parameters with nested brackets.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::api_error::ApiError;
use super::payment_methods::has_word;

/// Stripe's limits on metadata: <https://docs.stripe.com/api/metadata>.
const METADATA_KEYS: usize = 50;
const METADATA_KEY_CHARS: usize = 40;
const METADATA_VALUE_CHARS: usize = 500;

/// Metadata: texts by free keys.
pub(super) type Metadata = BTreeMap<String, String>;

/// Parses `a[0][b]=c` into JSON whose leaves are strings.
pub(super) fn parse(text: &str) -> Result<Value, ApiError> {
    // Form encoding also accepts percent-encoded brackets.
    let reader = serde_qs::Config::new().max_depth(10).use_form_encoding(true);
    match reader.deserialize_str(text) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(params @ Value::Object(_)) => Ok(params),
        Ok(_) | Err(_) => Err(ApiError::malformed(
            "The request is not a valid form: check its encoding and brackets.",
        )),
    }
}

/// The parameters of a request, or of one object in it.
pub(super) struct Params<'a> {
    /// The name of the object, such as `line_items[0]`; empty at the top.
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Params<'a> {
    /// Wraps the result of [`parse`].
    pub(super) fn of(params: &'a Value) -> Result<Self, ApiError> {
        let fields =
            params.as_object().ok_or_else(|| ApiError::malformed("Parameters need names."))?;
        let path = String::new();
        Ok(Self { path, fields })
    }

    /// Returns the full name of a parameter, such as `line_items[0][price]`.
    pub(super) fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}[{field}]", self.path) }
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Refuses parameters that are unknown, or that only Stripe supports. Both lists are words
    /// separated by spaces.
    pub(super) fn only(&self, known: &str, unsupported: &str) -> Result<(), ApiError> {
        for field in self.fields.keys().map(String::as_str) {
            if has_word(unsupported, field) {
                return Err(ApiError::unsupported(self.name(field)));
            }
            if !has_word(known, field) {
                return Err(ApiError::unknown(self.name(field)));
            }
        }
        Ok(())
    }

    /// Reads a text of at most `max_chars`.
    pub(super) fn text(&self, field: &str, max_chars: usize) -> Result<Option<String>, ApiError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(None);
        };
        let name = self.name(field);
        let Some(text) = value.as_str() else {
            let message = format!("{name} must be a string.");
            return Err(ApiError::invalid(name, message));
        };
        if text.is_empty() {
            let message = format!("{name} is empty. Omit it to unset it.");
            return Err(ApiError::invalid(name, message).coded("parameter_invalid_empty"));
        }
        if text.chars().count() > max_chars {
            let message = format!("{name} is longer than {max_chars} characters.");
            return Err(ApiError::invalid(name, message));
        }
        Ok(Some(text.to_owned()))
    }

    /// Reads an absolute web address.
    pub(super) fn url(&self, field: &str) -> Result<Option<String>, ApiError> {
        let Some(url) = self.text(field, 5_000)? else {
            return Ok(None);
        };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !has_host || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let name = self.name(field);
            let message = format!("{name} must be a URL with http:// or https://.");
            return Err(ApiError::invalid(name, message).coded("url_invalid"));
        }
        Ok(Some(url))
    }

    /// Reads a whole number.
    pub(super) fn integer(&self, field: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(field, 100)? else {
            return Ok(None);
        };
        let number = text.parse().map_err(|_| {
            let name = self.name(field);
            let message = format!("{name} must be a whole number, not {text}.");
            ApiError::invalid(name, message).coded("parameter_invalid_integer")
        })?;
        Ok(Some(number))
    }

    /// Reads one of a few words.
    pub(super) fn one_of(
        &self,
        field: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(field, 5_000)? else {
            return Ok(None);
        };
        let word = words.iter().find(|word| **word == text).copied();
        word.map(Some).ok_or_else(|| ApiError::not_one_of(self.name(field), words))
    }

    /// Reads an object.
    pub(super) fn object(&self, field: &str) -> Result<Option<Params<'a>>, ApiError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(None);
        };
        as_object(self.name(field), value).map(Some)
    }

    /// Reads a list of objects.
    pub(super) fn objects(&self, field: &str) -> Result<Vec<Params<'a>>, ApiError> {
        let Some(items) = self.list(field)? else {
            return Ok(Vec::new());
        };
        let name = self.name(field);
        let numbered = items.iter().enumerate();
        numbered.map(|(i, item)| as_object(format!("{name}[{i}]"), item)).collect()
    }

    /// Reads a list of texts.
    pub(super) fn texts(&self, field: &str) -> Result<Option<Vec<&'a str>>, ApiError> {
        let Some(items) = self.list(field)? else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        let not_texts = || {
            let name = self.name(field);
            let message = format!("{name} must be a list of strings.");
            ApiError::invalid(name, message)
        };
        texts.map(Some).ok_or_else(not_texts)
    }

    /// Reads metadata, which is empty if missing.
    pub(super) fn metadata(&self, field: &str) -> Result<Metadata, ApiError> {
        let Some(object) = self.object(field)? else {
            return Ok(Metadata::new());
        };
        if object.fields.len() > METADATA_KEYS {
            let message = format!("Metadata has at most {METADATA_KEYS} keys.");
            return Err(ApiError::invalid(self.name(field), message));
        }
        let mut metadata = Metadata::new();
        for (key, value) in object.fields {
            let name = object.name(key);
            if key.chars().count() > METADATA_KEY_CHARS {
                let message =
                    format!("Metadata keys have at most {METADATA_KEY_CHARS} characters.");
                return Err(ApiError::invalid(name, message));
            }
            // An empty value would unset a key of an existing object.
            if value.as_str() == Some("") {
                continue;
            }
            if let Some(text) = object.text(key, METADATA_VALUE_CHARS)? {
                metadata.insert(key.clone(), text);
            }
        }
        Ok(metadata)
    }

    fn list(&self, field: &str) -> Result<Option<&'a [Value]>, ApiError> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => {
                let name = self.name(field);
                let message = format!("{name} must be a list: {name}[0], {name}[1], …");
                Err(ApiError::invalid(name, message))
            }
        }
    }
}

fn as_object(path: String, value: &Value) -> Result<Params<'_>, ApiError> {
    let Some(fields) = value.as_object() else {
        let message = format!("{path} must be an object: {path}[key]=value.");
        return Err(ApiError::invalid(path, message));
    };
    Ok(Params { path, fields })
}
