//! Encoded forms in tests.

/// Returns a form's fields, decoded and sorted.
pub(super) fn fields(form: &str) -> Vec<(String, String)> {
    let mut fields: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    fields.sort();
    fields
}

/// Returns the expected fields, sorted.
pub(super) fn expected(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields: Vec<_> =
        fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.sort();
    fields
}
