//! Parses and checks form parameters with nested brackets.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::api_error::ApiError;

/// Stripe's limits on metadata: <https://docs.stripe.com/api/metadata>.
const METADATA_KEYS: usize = 50;
const METADATA_KEY_CHARS: usize = 40;
const METADATA_VALUE_CHARS: usize = 500;

pub(super) type Metadata = BTreeMap<String, String>;
pub(super) type Fields = Map<String, Value>;

/// Parses `a[0][b]=c` into JSON whose leaves are strings.
pub(super) fn parse(text: &str) -> Result<Fields, ApiError> {
    // Form encoding also accepts percent-encoded brackets.
    let reader = serde_qs::Config::new().max_depth(10).use_form_encoding(true);
    match reader.deserialize_str(text) {
        Ok(Value::Null) => Ok(Fields::new()),
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err(ApiError::malformed(
            "The request is not a valid form: check its encoding and brackets.",
        )),
    }
}

/// The parameters of a request, or of one object in it.
pub(super) struct Params<'a> {
    /// The name of the object, such as `line_items[0]`; empty at the top.
    path: String,
    fields: &'a Fields,
}

impl<'a> Params<'a> {
    pub(super) fn new(fields: &'a Fields) -> Self {
        Self { path: String::new(), fields }
    }

    /// Returns the full name of a parameter, such as `line_items[0][price]`.
    fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}[{field}]", self.path) }
    }

    /// Returns an error about a parameter. The message follows its name.
    pub(super) fn invalid(&self, field: &str, message: &str) -> ApiError {
        let name = self.name(field);
        ApiError::invalid(&name, format!("{name} {message}"))
    }

    /// Refuses parameters that are not in `known`, a list of words separated by spaces.
    pub(super) fn only(&self, known: &str) -> Result<(), ApiError> {
        let is_known = |field: &str| known.split_whitespace().any(|known| known == field);
        match self.fields.keys().find(|field| !is_known(field)) {
            None => Ok(()),
            Some(field) => Err(self
                .invalid(field, "is not a parameter that the sandbox supports.")
                .coded("parameter_unknown")),
        }
    }

    /// Refuses a request that has one of these parameters.
    pub(super) fn none_of(&self, fields: &[&str], message: &str) -> Result<(), ApiError> {
        match fields.iter().find(|field| self.fields.contains_key(**field)) {
            None => Ok(()),
            Some(field) => Err(self.invalid(field, message)),
        }
    }

    /// Returns an error if a parameter is missing.
    pub(super) fn required<T>(&self, field: &str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| ApiError::missing(self.name(field)))
    }

    /// Reads a text of at most `max_chars`.
    pub(super) fn text(&self, field: &str, max_chars: usize) -> Result<Option<String>, ApiError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(None);
        };
        match value.as_str() {
            None => Err(self.invalid(field, "must be a string.")),
            Some("") => Err(self
                .invalid(field, "is empty. Omit it to unset it.")
                .coded("parameter_invalid_empty")),
            Some(text) if text.chars().count() > max_chars => {
                Err(self.invalid(field, &format!("is longer than {max_chars} characters.")))
            }
            Some(text) => Ok(Some(text.to_owned())),
        }
    }

    /// Reads an absolute web address.
    pub(super) fn url(&self, field: &str) -> Result<Option<String>, ApiError> {
        let Some(url) = self.text(field, 5_000)? else {
            return Ok(None);
        };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !has_host || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let error = self.invalid(field, "must be a URL with http:// or https://.");
            return Err(error.coded("url_invalid"));
        }
        Ok(Some(url))
    }

    pub(super) fn email(&self, field: &str) -> Result<Option<String>, ApiError> {
        let email = self.text(field, 800)?;
        let is_plausible = |email: &String| {
            let parts = email.split_once('@');
            parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
                && !email.contains(char::is_whitespace)
        };
        if email.as_ref().is_none_or(is_plausible) {
            return Ok(email);
        }
        Err(self.invalid(field, "must be an e-mail address.").coded("email_invalid"))
    }

    /// Reads a whole number of at least `min`.
    pub(super) fn integer(&self, field: &str, min: i64) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(field, 100)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if number >= min => Ok(Some(number)),
            Ok(_) | Err(_) => Err(self
                .invalid(field, &format!("must be a whole number of at least {min}."))
                .coded("parameter_invalid_integer")),
        }
    }

    /// Reads one of a few words.
    pub(super) fn word<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(field, 5_000)? else {
            return Ok(None);
        };
        let word = serde_json::from_value(Value::String(text));
        word.map(Some).map_err(|error| self.invalid(field, &format!("is wrong: {error}.")))
    }

    /// Returns whether a parameter has fields.
    pub(super) fn is_object(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(Value::is_object)
    }

    pub(super) fn object(&self, field: &str) -> Result<Option<Params<'a>>, ApiError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(None);
        };
        self.as_object(field, value).map(Some)
    }

    pub(super) fn objects(&self, field: &str) -> Result<Vec<Params<'a>>, ApiError> {
        let items = self.list(field)?.unwrap_or_default().iter().enumerate();
        items.map(|(i, item)| self.as_object(&format!("{field}[{i}]"), item)).collect()
    }

    pub(super) fn texts(&self, field: &str) -> Result<Option<Vec<&'a str>>, ApiError> {
        let Some(items) = self.list(field)? else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        texts.map(Some).ok_or_else(|| self.invalid(field, "must be a list of strings."))
    }

    /// Reads metadata, which is empty if missing.
    pub(super) fn metadata(&self, field: &str) -> Result<Metadata, ApiError> {
        let Some(object) = self.object(field)? else {
            return Ok(Metadata::new());
        };
        if object.fields.len() > METADATA_KEYS {
            return Err(self.invalid(field, &format!("has more than {METADATA_KEYS} keys.")));
        }
        let mut metadata = Metadata::new();
        for (key, value) in object.fields {
            if key.chars().count() > METADATA_KEY_CHARS {
                let message = format!("has a key of more than {METADATA_KEY_CHARS} characters.");
                return Err(object.invalid(key, &message));
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
            Some(_) => Err(self.invalid(field, "must be a list with the indexes [0], [1], …")),
        }
    }

    fn as_object(&self, field: &str, value: &'a Value) -> Result<Params<'a>, ApiError> {
        let Some(fields) = value.as_object() else {
            return Err(self.invalid(field, "must be an object with the fields [key]=value."));
        };
        Ok(Params { path: self.name(field), fields })
    }
}
