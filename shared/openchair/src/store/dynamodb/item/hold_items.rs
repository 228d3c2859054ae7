//! The items of a reservation besides the booking: counts of unpaid holds, and
//! idempotency keys.

use jiff::Timestamp;

use super::{
    Item, Unreadable, instant, integer, key, map, number, parsed, required, strictly, string, text,
};
use crate::store::StoreError;
use crate::store::booking_store::{HoldCount, StoredRequest};
use salon::booking::{BookingId, HoldKey, RequestKey};

/// The prefix of a hold's attribute. Each hold has its own attribute, so that it
/// can be removed without reading the item.
const HOLD: &str = "hold#";

pub(in super::super) fn holds_key(hold_key: &HoldKey) -> Item {
    key(format!("HOLDS#{}", hold_key.0), "HOLDS")
}

pub(in super::super) fn request_key(request_key: &RequestKey) -> Item {
    key(format!("REQUEST#{}", request_key.0), "REQUEST")
}

/// Returns the key of the deposits without a booking that a network address has asked for in
/// the hour that begins at `hour`.
pub(in super::super) fn deposits_key(address: &HoldKey, hour: Timestamp) -> Item {
    key(format!("DEPOSITS#{}", address.0), &format!("HOUR#{}", hour.as_second()))
}

/// Returns the name of a hold's attribute.
pub(in super::super) fn hold_attribute(id: &BookingId) -> String {
    format!("{HOLD}{id}")
}

/// Writes a count. It expires with its last hold.
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

/// Writes the request stored under an idempotency key.
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
pub(in super::super) fn stored_request(item: &Item) -> Result<StoredRequest, StoreError> {
    strictly(item, |item| {
        Ok(StoredRequest {
            booking_id: required(item, "bookingId", |id| BookingId::parse(string(id)?))?,
            fingerprint: required(item, "fingerprint", string)?.to_owned(),
            until: required(item, "until", instant)?,
        })
    })
}
