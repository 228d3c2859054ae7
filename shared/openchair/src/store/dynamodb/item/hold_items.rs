//! What a request to reserve has to know of others: counts of unpaid holds,
//! and idempotency keys.

use super::{
    Item, Unreadable, instant, integer, key, map, number, parsed, required, strictly, string, text,
};
use crate::store::StoreError;
use crate::store::booking_store::{HoldCount, StoredRequest};
use salon::booking::{BookingId, HoldKey, RequestKey};

/// What the name of a hold's attribute begins with. Each hold has one of its
/// own, so that it can be removed from an item that nobody has read.
const HOLD: &str = "hold#";

pub(in super::super) fn holds_key(hold_key: &HoldKey) -> Item {
    key(format!("HOLDS#{}", hold_key.0), "HOLDS")
}

pub(in super::super) fn request_key(request_key: &RequestKey) -> Item {
    key(format!("REQUEST#{}", request_key.0), "REQUEST")
}

/// Names the attribute of a hold.
pub(in super::super) fn hold_attribute(id: &BookingId) -> String {
    format!("{HOLD}{id}")
}

/// Writes a count. It is deleted once its last hold is over.
pub(in super::super) fn hold_count_item(hold_key: &HoldKey, count: &HoldCount) -> Item {
    let mut item = holds_key(hold_key);
    let holds = count.holds.iter().map(|(id, until)| (hold_attribute(id), number(*until)));
    item.extend(holds);
    item.insert("version".to_owned(), integer(count.version));
    if let Some(last) = count.holds.values().max() {
        item.insert("expiresAt".to_owned(), number(*last));
    }
    item
}

/// Reads `version`, and every `hold#id`.
pub(in super::super) fn hold_count(item: &Item) -> Result<HoldCount, StoreError> {
    strictly(item, |item| {
        let holds = item.iter().filter_map(|(name, value)| Some((name.strip_prefix(HOLD)?, value)));
        let hold = |(id, until)| Some((BookingId::parse(id)?, instant(until)?));
        let holds = holds.map(hold).collect::<Option<_>>().ok_or(Unreadable("hold#…"))?;
        Ok(HoldCount { version: required(item, "version", parsed)?, holds })
    })
}

/// Writes what an idempotency key is used for.
pub(in super::super) fn request_item(request_key: &RequestKey, request: &StoredRequest) -> Item {
    let mut item = self::request_key(request_key);
    item.extend(map([
        ("bookingId", text(request.booking_id.as_str())),
        ("fingerprint", text(request.fingerprint.as_str())),
        ("until", number(request.until)),
        ("expiresAt", number(request.until)),
    ]));
    item
}

/// Reads `bookingId`, `fingerprint` and `until`.
pub(in super::super) fn kept_request(item: &Item) -> Result<StoredRequest, StoreError> {
    strictly(item, |item| {
        Ok(StoredRequest {
            booking_id: required(item, "bookingId", |id| BookingId::parse(string(id)?))?,
            fingerprint: required(item, "fingerprint", string)?.to_owned(),
            until: required(item, "until", instant)?,
        })
    })
}
