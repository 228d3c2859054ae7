use std::array;
use std::sync::LazyLock;

use jiff::civil::Time;
use jiff::{Span, Timestamp};
use openchair::bookings::{Request, address_key, request_key};
use salon::Salon;
use salon::booking::{BookingId, HoldKey, ManageToken, RequestKey};
use salon::payment_ui::PaymentUi;
use salon::service::StaffId;

use super::small_salon::CUSTOMERS;

/// How many visitors come in a schedule.
pub(super) const VISITORS: usize = 4;

static KEYS: LazyLock<[RequestKey; VISITORS]> =
    LazyLock::new(|| array::from_fn(|number| request_key(&number.to_string())));

static ADDRESSES: LazyLock<[HoldKey; 2]> =
    LazyLock::new(|| [1, 2].map(|host| address_key([192, 0, 2, host].into())));

/// Somebody who wants a time, and what they know of it so far.
#[derive(Debug)]
pub(super) struct Visitor {
    customer: usize,
    service: usize,
    start: Timestamp,
    staff: Option<StaffId>,
    key: RequestKey,
    address: Option<HoldKey>,
    /// The booking, once they were told.
    pub(super) booking: Option<(BookingId, ManageToken)>,
    /// The session in which they can pay it.
    pub(super) session: Option<String>,
    /// When that booking was made.
    pub(super) asked_at: Timestamp,
}

impl Visitor {
    /// Draws a visitor with a wish.
    pub(super) fn draw(
        number: usize,
        salon: &Salon,
        now: Timestamp,
        random: &mut fastrand::Rng,
    ) -> Self {
        let today = salon.time_zone.to_datetime(now).date();
        let date = today.saturating_add(Span::new().days(random.i64(0..2)));
        let slot = random.i8(0..4);
        let time = Time::constant(10 + slot / 2, 30 * (slot % 2), 0, 0);
        let start = salon.time_zone.to_timestamp(date.to_datetime(time)).unwrap_or(now);
        let staff = &salon.staff[random.usize(0..salon.staff.len())].id;
        Self {
            customer: random.usize(0..CUSTOMERS.len()),
            service: random.usize(0..salon.services.len()),
            start,
            staff: random.bool().then(|| staff.clone()),
            key: KEYS[number].clone(),
            address: random.bool().then(|| ADDRESSES[random.usize(0..ADDRESSES.len())].clone()),
            booking: None,
            session: None,
            asked_at: now,
        }
    }

    /// Returns what they ask for: the same each time.
    pub(super) fn request<'a>(&self, salon: &'a Salon) -> Request<'a> {
        let staff = self.staff.as_ref().and_then(|id| salon.staff_member(id.as_str()));
        Request {
            service: &salon.services[self.service],
            start: self.start,
            staff: staff.map(|member| &member.id),
            customer: CUSTOMERS[self.customer].clone(),
            ui: PaymentUi::Hosted,
            key: Some(self.key.clone()),
            fingerprint: String::new(),
            address: self.address.clone(),
        }
    }
}
