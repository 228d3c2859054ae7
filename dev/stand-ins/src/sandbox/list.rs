//! Pagination: <https://docs.stripe.com/api/pagination>.

use serde_json::{Value, json};

use super::api_error::ApiError;
use super::params::Params;

/// The parameters that choose a page.
pub(super) const PAGE: &str = "\
    ending_before limit starting_after";

/// An object in lists.
pub(super) trait Listed {
    fn id(&self) -> &str;
    fn to_json(&self) -> Value;
}

/// Returns the requested page of `all`, which is sorted newest first.
pub(super) fn page<T: Listed>(
    all: &[&T],
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
        let place = all.iter().position(|entry| entry.id() == id);
        let place = place.ok_or_else(|| ApiError::no_such(object, field, &id))?;
        Ok(Some(place))
    };
    let (page, has_more) = match (cursor("starting_after")?, cursor("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "Give starting_after or ending_before, not both.";
            return Err(ApiError::malformed(message).coded("parameters_exclusive"));
        }
        (None, Some(before)) => {
            let first = before.saturating_sub(limit);
            (&all[first..before], first > 0)
        }
        (after, None) => {
            let rest = &all[after.map_or(0, |place| place + 1)..];
            (&rest[..limit.min(rest.len())], rest.len() > limit)
        }
    };
    let data: Vec<_> = page.iter().map(|entry| entry.to_json()).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}
