//! The item of a booking.

mod incidents_item;

use AttributeValue::{Bool, L, M};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use salon::cancellation_terms::CancellationTerms;

use super::{
    Item, Unreadable, instant, integer, is_set, key, map, number, optional, parsed, required,
    strictly, string, text,
};
use crate::store::StoreError;
use crate::store::booking_store::{BookingState, UnsettledBooking};
use crate::store::table::{CHECK_AT, UNSETTLED};
use salon::booking::{
    Booking, BookingId, Checkout, HoldKey, ManageToken, Refund, RequestKey, Session, State, Terms,
};
use salon::customer::{Customer, CustomerName, Email, Phone};
use salon::interval::Interval;
use salon::money::{Currency, Money};
use salon::service::{ServiceId, StaffId};

/// How long a hold outlives its session in items of November 2026, which have no `holdUntil`.
const OLD_HOLD_MARGIN: SignedDuration = SignedDuration::from_mins(5);
const PREFIX: &str = "BOOKING#";
/// The sort key of a booking's item.
pub(in super::super) const BOOKING: &str = "BOOKING";

pub(in super::super) fn booking_key(id: &BookingId) -> Item {
    key(format!("{PREFIX}{id}"), BOOKING)
}

/// Returns the key of the item that records when Stripe was last asked about a
/// booking. It is a separate item because the booking's is always replaced.
pub(in super::super) fn poll_key(id: &BookingId) -> Item {
    key(format!("{PREFIX}{id}"), "QUESTION")
}

/// Returns the key of the marker of an effect.
pub(in super::super) fn marker_key(id: &BookingId, effect: &str, version: u64) -> Item {
    key(format!("{PREFIX}{id}"), &format!("SENT#{effect}#{version}"))
}

/// Reads what the index of unsettled bookings has of a booking's item.
pub(in super::super) fn unsettled_booking(item: &Item) -> Result<UnsettledBooking, StoreError> {
    strictly(item, |item| {
        Ok(UnsettledBooking { id: id(item)?, check_at: required(item, CHECK_AT, instant)? })
    })
}

/// Reads the state of a booking; none if it cannot be read.
pub(in super::super) fn booking_state(item: &Item) -> Option<BookingState> {
    Some(BookingState {
        id: id(item).ok()?,
        state: State::from_name(string(item.get("state")?)?)?,
        hold_until: instant(item.get("holdUntil")?)?,
        payment: optional(item, "paymentId", string).ok()?.map(str::to_owned),
        incidents: optional(item, "incidents", incidents_item::read).ok()?.unwrap_or_default(),
    })
}

fn id(item: &Item) -> Result<BookingId, Unreadable> {
    required(item, "PK", |key| BookingId::parse(string(key)?.strip_prefix(PREFIX)?))
}

/// Writes a booking. Until it is settled, it has the attributes by which the index
/// lists it.
pub(in super::super) fn booking_item(booking: &Booking) -> Item {
    let Booking { terms, customer, checkout, .. } = booking;
    let hold_keys = booking.hold_keys.iter().map(|key| text(&*key.0));
    let mut item = booking_key(&booking.id);
    item.extend(map([
        ("version", integer(booking.version)),
        ("state", text(booking.state.as_str())),
        ("manageToken", text(booking.manage_token.expose())),
        ("serviceId", text(booking.service.as_str())),
        ("staffId", text(booking.staff.as_str())),
        ("isStaffNamed", Bool(booking.is_staff_named)),
        ("date", text(booking.date.to_string())),
        ("start", number(booking.appointment.start())),
        ("end", number(booking.appointment.end())),
        ("freeFrom", number(booking.free_from)),
        ("customerName", text(customer.name.as_str())),
        ("customerPhone", text(customer.phone.as_str())),
        ("customerEmail", text(customer.email.as_str())),
        ("price", money(terms.price)),
        ("deposit", money(terms.deposit)),
        ("fullRefundHours", integer(terms.cancellation.full_refund_hours)),
        ("lateRefundPercent", integer(terms.cancellation.late_refund_percent)),
        ("retentionDays", integer(terms.retention_days)),
        ("page", M(checkout_item(checkout))),
        ("hasConflict", Bool(booking.has_conflict)),
        ("holdKeys", L(hold_keys.collect())),
        ("holdUntil", number(booking.hold_until)),
        ("createdAt", number(booking.created_at)),
        ("changedAt", number(booking.changed_at)),
    ]));
    let extension = customer.phone.extension();
    let optional = [
        ("customerPhoneExtension", extension.map(text)),
        ("paymentId", booking.payment.as_deref().map(text)),
        ("refund", booking.refund.map(refund)),
        ("incidents", incidents_item::write(&booking.incidents)),
        ("requestKey", booking.request_key.as_ref().map(|key| text(&*key.0))),
        ("isStandby", booking.is_standby.then_some(Bool(true))),
        ("inLineSince", booking.in_line_since.map(number)),
        (UNSETTLED, booking.check_at.map(|_| text("1"))),
        (CHECK_AT, booking.check_at.map(number)),
        ("expiresAt", booking.delete_at().map(number)),
    ];
    item.extend(map(present(optional)));
    item
}

/// Reads an item that [`booking_item`] has written.
pub(in super::super) fn booking(item: &Item) -> Result<Booking, StoreError> {
    strictly(item, |item| {
        let text = |name| required(item, name, string);
        let flag = |name| required(item, name, |value| value.as_bool().ok().copied());
        let at = |name| required(item, name, instant);
        let amount = |name| required(item, name, money_of);
        let checkout = required(item, "page", checkout_of)?;
        let old_end = checkout.expires_at.saturating_add(OLD_HOLD_MARGIN).unwrap_or(Timestamp::MAX);
        Ok(Booking {
            id: id(item)?,
            manage_token: ManageToken::from_stored(text("manageToken")?.to_owned()),
            state: State::from_name(text("state")?).ok_or(Unreadable("state"))?,
            version: required(item, "version", parsed)?,
            service: ServiceId::new(text("serviceId")?).ok_or(Unreadable("serviceId"))?,
            staff: StaffId::new(text("staffId")?).ok_or(Unreadable("staffId"))?,
            is_staff_named: flag("isStaffNamed")?,
            date: text("date")?.parse().map_err(|_| Unreadable("date"))?,
            appointment: Interval::new(at("start")?, at("end")?).ok_or(Unreadable("end"))?,
            free_from: at("freeFrom")?,
            customer: Customer {
                name: required(item, "customerName", |name| {
                    CustomerName::from_stored(string(name)?)
                })?,
                phone: phone(item)?,
                email: required(item, "customerEmail", |email| Email::from_stored(string(email)?))?,
            },
            terms: Terms {
                price: amount("price")?,
                deposit: amount("deposit")?,
                cancellation: CancellationTerms {
                    full_refund_hours: required(item, "fullRefundHours", parsed)?,
                    late_refund_percent: required(item, "lateRefundPercent", parsed)?,
                },
                retention_days: required(item, "retentionDays", parsed)?,
            },
            checkout,
            payment: optional(item, "paymentId", string)?.map(str::to_owned),
            has_conflict: flag("hasConflict")?,
            refund: optional(item, "refund", refund_of)?,
            incidents: optional(item, "incidents", incidents_item::read)?.unwrap_or_default(),
            hold_keys: required(item, "holdKeys", hold_keys_of)?,
            request_key: optional(item, "requestKey", string)?.map(|key| RequestKey(key.into())),
            hold_until: optional(item, "holdUntil", instant)?.unwrap_or(old_end),
            is_standby: is_set(item, "isStandby")?,
            in_line_since: optional(item, "inLineSince", instant)?,
            created_at: at("createdAt")?,
            changed_at: at("changedAt")?,
            check_at: optional(item, CHECK_AT, instant)?,
        })
    })
}

fn phone(item: &Item) -> Result<Phone, Unreadable> {
    let phone = required(item, "customerPhone", |number| Phone::from_e164(string(number)?))?;
    match optional(item, "customerPhoneExtension", string)? {
        None => Ok(phone),
        Some(digits) => phone.with_extension(digits).ok_or(Unreadable("customerPhoneExtension")),
    }
}

/// Keeps the attributes that have a value.
fn present<const N: usize>(
    attributes: [(&'static str, Option<AttributeValue>); N],
) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    attributes.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

fn money(money: Money) -> AttributeValue {
    let currency = text(money.currency().code());
    M(map([("amount", integer(money.amount())), ("currency", currency)]))
}

fn money_of(value: &AttributeValue) -> Option<Money> {
    let fields = value.as_m().ok()?;
    let currency = Currency::from_code(string(fields.get("currency")?)?)?;
    Some(Money::new(parsed(fields.get("amount")?)?, currency))
}

fn checkout_item(checkout: &Checkout) -> Item {
    let session = checkout.session.as_ref().map(|session| {
        let optional = [
            ("clientSecret", session.client_secret.as_deref().map(text)),
            ("url", session.url.as_deref().map(text)),
        ];
        M(map([("id", text(session.id.as_str()))].into_iter().chain(present(optional))))
    });
    let fields = [
        ("ui", text(checkout.ui.as_str())),
        ("attempt", integer(checkout.attempt)),
        ("key", text(checkout.idempotency_key.as_str())),
        ("form", text(checkout.form.as_str())),
        ("expiresAt", number(checkout.expires_at)),
    ];
    let offers_delayed = checkout.offers_delayed.then_some(Bool(true));
    let optional = [("offersDelayed", offers_delayed), ("session", session)];
    map(fields.into_iter().chain(present(optional)))
}

fn checkout_of(value: &AttributeValue) -> Option<Checkout> {
    let checkout = value.as_m().ok()?;
    Some(Checkout {
        ui: string(checkout.get("ui")?)?.parse().ok()?,
        attempt: parsed(checkout.get("attempt")?)?,
        idempotency_key: string(checkout.get("key")?)?.to_owned(),
        form: string(checkout.get("form")?)?.to_owned(),
        expires_at: instant(checkout.get("expiresAt")?)?,
        offers_delayed: is_set(checkout, "offersDelayed").ok()?,
        session: optional(checkout, "session", session_of).ok()?,
    })
}

fn session_of(value: &AttributeValue) -> Option<Session> {
    let session = value.as_m().ok()?;
    Some(Session {
        id: string(session.get("id")?)?.to_owned(),
        client_secret: optional(session, "clientSecret", string).ok()?.map(str::to_owned),
        url: optional(session, "url", string).ok()?.map(str::to_owned),
    })
}

fn refund(refund: Refund) -> AttributeValue {
    M(map([("amount", money(refund.amount)), ("attempt", integer(refund.attempt))]))
}

fn refund_of(value: &AttributeValue) -> Option<Refund> {
    let fields = value.as_m().ok()?;
    let amount = money_of(fields.get("amount")?)?;
    Some(Refund { amount, attempt: parsed(fields.get("attempt")?)? })
}

fn hold_keys_of(value: &AttributeValue) -> Option<Vec<HoldKey>> {
    let keys = value.as_l().ok()?.iter();
    keys.map(|key| Some(HoldKey(string(key)?.into()))).collect()
}

#[cfg(test)]
mod tests;
