use jiff::civil::Time;
use jiff::{Span, Timestamp};
use openchair::bookings::{BookingRequest, address_key, request_key};
use salon::Salon;
use salon::booking::{BookingId, HoldKey, ManageToken, RequestKey};
use salon::payment_ui::PaymentUi;
use salon::service::StaffId;

use super::decisions::Decisions;
use super::small_salon::{CUSTOMERS, PEOPLE};

/// How many visitors come at most in a schedule, besides attackers.
pub(super) const VISITORS: usize = 6;

/// A visitor with a request, and what they know so far.
#[derive(Debug)]
pub(super) struct Visitor {
    /// Whether the visitor holds times and never pays.
    pub(super) is_attacker: bool,
    customer: usize,
    service: usize,
    start: Timestamp,
    staff: Option<StaffId>,
    is_standby: bool,
    key: RequestKey,
    pub(crate) address: Option<HoldKey>,
    /// The booking, once the visitor has an answer.
    pub(super) booking: Option<(BookingId, ManageToken)>,
    /// The session in which the visitor can pay.
    pub(super) session: Option<String>,
    /// When that booking was made.
    pub(super) booked_at: Timestamp,
}

impl Visitor {
    /// Draws a visitor.
    pub(super) fn draw(
        number: usize,
        salon: &Salon,
        now: Timestamp,
        decisions: &Decisions,
    ) -> Self {
        let today = salon.time_zone.to_datetime(now).date();
        let date = today.saturating_add(Span::new().days(decisions.between(0..2)));
        let slot = [600, 630, 660, 690][decisions.byte(4)];
        let time = Time::midnight().saturating_add(Span::new().minutes(slot));
        let start = salon.time_zone.to_timestamp(date.to_datetime(time)).unwrap_or(now);
        let staff = &salon.staff[decisions.index(salon.staff.len())].id;
        Self {
            is_attacker: false,
            customer: decisions.index(PEOPLE),
            service: decisions.index(salon.services.len()),
            start,
            staff: decisions.coin().then(|| staff.clone()),
            is_standby: decisions.coin(),
            key: request_key(&number.to_string()),
            address: decisions
                .coin()
                .then(|| address_key([192, 0, 2, [1, 2][decisions.index(2)]].into())),
            booking: None,
            session: None,
            booked_at: now,
        }
    }

    /// Turns the visitor into the attacker with this number, who has a name and a network
    /// address that nobody else has.
    pub(super) fn attacker(self, number: usize) -> Self {
        let host = u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            is_attacker: true,
            customer: PEOPLE + number,
            is_standby: false,
            address: Some(address_key([198, 51, 100, host].into())),
            ..self
        }
    }

    /// Returns the visitor's request. It is the same each time. None if the salon does not
    /// have the staff member.
    pub(super) fn request<'a>(&self, salon: &'a Salon) -> Option<BookingRequest<'a>> {
        let staff = match &self.staff {
            Some(id) => Some(salon.staff_member(id.as_str())?),
            None => None,
        };
        Some(BookingRequest {
            service: &salon.services[self.service],
            start: self.start,
            staff: staff.map(|member| &member.id),
            customer: CUSTOMERS[self.customer].clone(),
            ui: PaymentUi::Hosted,
            is_standby: self.is_standby,
            replaces: None,
            key: Some(self.key.clone()),
            fingerprint: String::new(),
            address: self.address.clone(),
        })
    }
}
