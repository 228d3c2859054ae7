//! Pages of lists: <https://docs.stripe.com/api/pagination>.

use serde_json::{Value, json};

use super::api_error::ApiError;
use super::params::Params;

/// The parameters that choose a page.
pub(super) const PAGE: [&str; 3] = ["ending_before", "limit", "starting_after"];

/// One entry of a list, by its id.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) object: Value,
}

/// Returns the page that was asked for of `all`, newest first.
///
/// # Errors
/// If the request breaks a rule.
pub(super) fn page(
    all: Vec<Entry>,
    params: &Params<'_>,
    object: &str,
    url: &str,
) -> Result<Value, ApiError> {
    let limit = params.integer("limit")?.unwrap_or(10);
    let limit =
        usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
            ApiError::invalid("limit", "limit must be 1 to 100.").coded("parameter_invalid_integer")
        })?;
    let cursor = |field: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = params.text(field, 5_000)? else {
            return Ok(None);
        };
        let place = all.iter().position(|entry| entry.id == id);
        let place = place.ok_or_else(|| ApiError::no_such(object, field, &id))?;
        Ok(Some(place))
    };
    let (range, has_more) = match (cursor("starting_after")?, cursor("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "Give starting_after or ending_before, not both.";
            return Err(ApiError::malformed(message).coded("parameters_exclusive"));
        }
        (None, Some(before)) => {
            let first = before.saturating_sub(limit);
            (first..before, first > 0)
        }
        (after, None) => {
            let first = after.map_or(0, |place| place + 1);
            let end = all.len().min(first + limit);
            (first..end, end < all.len())
        }
    };
    let entries = all.into_iter().skip(range.start).take(range.len());
    let data: Vec<_> = entries.map(|entry| entry.object).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}
