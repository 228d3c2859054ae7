//! Lists of objects, newest first: <https://docs.stripe.com/api/pagination>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::ledger_object::LedgerObject;
use super::params::Params;

/// The parameters that every list has, for [`Params::only`].
const COMMON: &str = "created ending_before expand limit starting_after";
const MAX_LIMIT: i64 = 100;
const DEFAULT_LIMIT: i64 = 10;
/// The longest id, in characters.
const MAX_ID: usize = 5_000;

/// The part of a list that a request asks for.
pub(super) struct List {
    limit: usize,
    cursor: Option<Cursor>,
    created: CreatedRange,
    /// Whether each object includes its payment.
    pub(super) expands_payment: bool,
}

enum Cursor {
    StartingAfter(String),
    EndingBefore(String),
}

/// When the objects were created. Bounds are inclusive and in seconds.
struct CreatedRange {
    first: i64,
    last: i64,
}

impl List {
    /// Reads the parameters of a list, which may also have those in `filters`.
    pub(super) fn read(params: &Params<'_>, filters: &str) -> Result<Self, ApiError> {
        params.only(&format!("{COMMON} {filters}"))?;
        let limit = params.integer("limit", 1)?.unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit.min(MAX_LIMIT + 1)).unwrap_or_default();
        if limit > usize::try_from(MAX_LIMIT).unwrap_or_default() {
            let message = format!("must be at most {MAX_LIMIT}.");
            return Err(params.invalid("limit", &message).coded("parameter_invalid_integer"));
        }
        let after = params.text("starting_after", MAX_ID)?;
        let before = params.text("ending_before", MAX_ID)?;
        let cursor = match (after, before) {
            (Some(_), Some(_)) => {
                let message = "cannot be combined with starting_after.";
                return Err(params.invalid("ending_before", message));
            }
            (Some(id), None) => Some(Cursor::StartingAfter(id)),
            (None, Some(id)) => Some(Cursor::EndingBefore(id)),
            (None, None) => None,
        };
        Ok(Self {
            limit,
            cursor,
            created: CreatedRange::read(params)?,
            expands_payment: expands_payment(params)?,
        })
    }

    /// Returns a page. `all` has the objects of one kind, newest first.
    pub(super) fn page<'l, T: LedgerObject + 'l>(
        &self,
        url: &str,
        all: impl Iterator<Item = &'l T>,
        is_wanted: impl Fn(&T) -> bool,
        to_json: impl Fn(&T) -> Value,
    ) -> Result<Value, ApiError> {
        let all: Vec<_> = all.collect();
        let position = |id: &str, param: &str| {
            let position = all.iter().position(|object| object.id() == id);
            position.ok_or_else(|| ApiError::no_such(T::NAME, param, id))
        };
        let (range, is_backwards) = match &self.cursor {
            None => (&all[..], false),
            Some(Cursor::StartingAfter(id)) => (&all[position(id, "starting_after")? + 1..], false),
            Some(Cursor::EndingBefore(id)) => (&all[..position(id, "ending_before")?], true),
        };
        let is_wanted = |object: &&&T| self.created.contains(object.created()) && is_wanted(object);
        let wanted: Vec<_> = range.iter().filter(is_wanted).collect();
        let has_more = wanted.len() > self.limit;
        // A page that ends before an object is next to it.
        let skipped = if is_backwards { wanted.len().saturating_sub(self.limit) } else { 0 };
        let page = wanted.into_iter().skip(skipped).take(self.limit);
        let data: Vec<_> = page.map(|object| to_json(object)).collect();
        Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
    }
}

impl CreatedRange {
    /// Reads `created`: a second, or an object of bounds.
    fn read(params: &Params<'_>) -> Result<Self, ApiError> {
        let field = "created";
        if !params.is_object(field) {
            let exact = params.integer(field, 0)?;
            return Ok(Self { first: exact.unwrap_or(i64::MIN), last: exact.unwrap_or(i64::MAX) });
        }
        let mut range = Self { first: i64::MIN, last: i64::MAX };
        if let Some(bounds) = params.object(field)? {
            bounds.only("gt gte lt lte")?;
            let bound = |name, shift: i64| {
                let second = bounds.integer(name, 0)?;
                Ok::<_, ApiError>(second.map(|second| second.saturating_add(shift)))
            };
            for first in [bound("gt", 1)?, bound("gte", 0)?].into_iter().flatten() {
                range.first = range.first.max(first);
            }
            for last in [bound("lt", -1)?, bound("lte", 0)?].into_iter().flatten() {
                range.last = range.last.min(last);
            }
        }
        Ok(range)
    }

    fn contains(&self, at: Timestamp) -> bool {
        (self.first..=self.last).contains(&at.as_second())
    }
}

/// Returns whether a list expands the payment of each object. Nothing else can be expanded
/// (<https://docs.stripe.com/api/expanding_objects>).
fn expands_payment(params: &Params<'_>) -> Result<bool, ApiError> {
    let parts = params.texts("expand")?.unwrap_or_default();
    for (i, part) in parts.iter().enumerate() {
        if *part != "data.payment_intent" {
            let message = if *part == "payment_intent" {
                "cannot be expanded in a list. Expand data.payment_intent instead."
            } else {
                "is not an expansion that the sandbox supports."
            };
            return Err(params.invalid(&format!("expand[{i}]"), message));
        }
    }
    Ok(!parts.is_empty())
}
