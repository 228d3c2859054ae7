//! Parses a request to reserve a time. Every field is checked once, here.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use openchair::bookings::Replaces;
use openchair::http::{ApiError, ErrorCode};
use salon::Salon;
use salon::booking::BookingId;
use salon::customer::{Customer, CustomerError, CustomerName, Email, Phone};
use salon::dst_policy::DstPolicy;
use salon::payment_ui::PaymentUi;
use salon::service::{Service, StaffId};
use salon::strict_date::parse_date;
use serde_json::{Map, Value};

/// A request with well-formed fields and ids that the salon file has.
#[derive(Debug)]
pub(crate) struct CheckoutRequest<'a> {
    pub(crate) service: &'a Service,
    pub(crate) when: RequestedTime,
    pub(crate) staff: Option<&'a StaffId>,
    pub(crate) customer: Customer,
    pub(crate) ui: PaymentUi,
    /// Whether the visitor stands by if only unpaid holds are in the way.
    pub(crate) is_standby: bool,
    /// An unpaid booking that this one replaces.
    pub(crate) replaces: Option<Replaces<'a>>,
}

/// A time, in the form in which it was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestedTime {
    /// On the salon's wall clock.
    Clock(Date, Time),
    /// With an offset from UTC.
    Instant(Timestamp),
}

impl<'a> CheckoutRequest<'a> {
    /// Parses the fields of a request.
    pub(crate) fn parse(salon: &'a Salon, fields: &'a Fields) -> Result<Self, ApiError> {
        let service = fields.required("serviceId")?;
        let when = fields.when()?;
        let name: CustomerName = fields
            .required("clientName")?
            .parse()
            .map_err(|error| customer_error("clientName", error))?;
        let phone = Phone::parse(fields.required("clientPhone")?, salon.country)
            .map_err(|error| customer_error("clientPhone", error))?;
        let email: Email = fields
            .required("clientEmail")?
            .parse()
            .map_err(|error| customer_error("clientEmail", error))?;
        let staff = fields.optional("staffId")?;
        let ui = fields.optional("ui")?.map(str::parse).transpose();
        let ui = ui.map_err(|_| invalid("ui", "`ui` is hosted, embedded or elements."))?;

        let is_standby = fields.flag("standby")?;
        let replaces = fields.replaces()?;

        let service = salon.service(service).ok_or_else(|| {
            let message = "There is no service with this id. GET /services lists them.";
            ApiError::new(ErrorCode::UnknownService, message).for_field("serviceId")
        })?;
        let staff = staff.map(|id| staff_member(salon, service, id)).transpose()?;
        let customer = Customer { name, phone, email };
        Ok(Self {
            service,
            when,
            staff,
            customer,
            ui: ui.unwrap_or(salon.ui),
            is_standby,
            replaces,
        })
    }
}

impl RequestedTime {
    /// Returns the instant.
    ///
    /// A time that occurs twice, when daylight saving ends, is its first
    /// occurrence; `start` names the second.
    pub(crate) fn instant(self, salon: &Salon, now: Timestamp) -> Result<Timestamp, ApiError> {
        let (date, time) = match self {
            Self::Instant(at) => return Ok(at),
            Self::Clock(date, time) => (date, time),
        };
        let horizon = salon.horizon(now);
        if date < horizon.first {
            return Err(too_soon(salon).for_field(self.field()));
        }
        if date > horizon.last {
            return Err(too_far(salon, now).for_field(self.field()));
        }
        let instant =
            DstPolicy::FirstOrNone.first_instant(date.to_datetime(time), &salon.time_zone);
        instant.ok_or_else(|| {
            let message =
                "This time does not exist on that day, because the clocks are set forward.";
            ApiError::new(ErrorCode::NonexistentTime, message).for_field("time")
        })
    }

    /// Returns the name of the field with the time.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Clock(..) => "time",
            Self::Instant(_) => "start",
        }
    }
}

pub(crate) fn too_soon(salon: &Salon) -> ApiError {
    let notice = SignedDuration::from_mins(salon.notice_minutes.into());
    let message = format!("Appointments are booked at least {notice:#} ahead.");
    ApiError::new(ErrorCode::TooSoon, message)
}

pub(crate) fn too_far(salon: &Salon, now: Timestamp) -> ApiError {
    let message = format!("Times can be booked until {}.", salon.horizon(now).last);
    ApiError::new(ErrorCode::TooFar, message)
}

fn staff_member<'a>(
    salon: &'a Salon,
    service: &Service,
    id: &str,
) -> Result<&'a StaffId, ApiError> {
    let member = salon.staff_member(id).ok_or_else(|| {
        let message = "There is no staff member with this id. GET /services lists them.";
        ApiError::new(ErrorCode::UnknownStaff, message).for_field("staffId")
    })?;
    if !member.performs(&service.id) {
        let message =
            "This staff member does not offer this service. GET /services lists who does.";
        return Err(invalid("staffId", message));
    }
    Ok(&member.id)
}

/// Parses a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => {
            Err(ApiError::new(ErrorCode::InvalidJson, "The body must be a JSON object, in UTF-8."))
        }
    }
}

/// The fields of a request body.
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    /// Returns the text of a field, or `None` if it is missing or `null`.
    fn optional(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, format!("`{name}` must be text."))),
        }
    }

    /// Returns the text of a field.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.optional(name)?.ok_or_else(|| invalid(name, format!("`{name}` is missing.")))
    }

    /// Returns the booking to be replaced: `{"bookingId": …, "manageToken": …}`.
    fn replaces(&self) -> Result<Option<Replaces<'_>>, ApiError> {
        let parts = match self.0.get("replaces") {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => (value["bookingId"].as_str(), value["manageToken"].as_str()),
        };
        let id = parts.0.and_then(BookingId::parse);
        let message = "`replaces` has the `bookingId` and the `manageToken` of an earlier booking.";
        let replaces = id.zip(parts.1).map(|(id, manage_token)| Replaces { id, manage_token });
        replaces.map(Some).ok_or_else(|| invalid("replaces", message))
    }

    /// Returns a boolean field; false if it is missing or `null`.
    fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(name, format!("`{name}` must be true or false."))),
        }
    }

    fn when(&self) -> Result<RequestedTime, ApiError> {
        let Some(start) = self.optional("start")? else {
            let date = self.required("date")?;
            let date =
                parse_date(date).ok_or_else(|| invalid("date", "`date` is a date, YYYY-MM-DD."))?;
            let time = clock_time(self.required("time")?).ok_or_else(|| {
                invalid("time", "`time` is a time of the day, such as 13:30 or 1:30 PM.")
            })?;
            return Ok(RequestedTime::Clock(date, time));
        };
        if self.optional("date")?.is_some() || self.optional("time")?.is_some() {
            return Err(invalid("start", "Send either `start` or `date` and `time`."));
        }
        let at = is_rfc3339(start).then(|| start.parse().ok()).flatten();
        let message = "`start` is an instant with its offset, such as 2026-11-24T10:00:00-08:00.";
        at.map(RequestedTime::Instant).ok_or_else(|| invalid("start", message))
    }
}

/// Parses `13:30`, or `1:30 PM` in upper or lower case.
fn clock_time(text: &str) -> Option<Time> {
    let upper = text.to_ascii_uppercase();
    let half = [("AM", 0), ("PM", 12)]
        .into_iter()
        .find_map(|(half, hours)| Some((upper.strip_suffix(half)?.strip_suffix(' ')?, hours)));
    let (hour, minute) = half.map_or(upper.as_str(), |(digits, _)| digits).split_once(':')?;
    let number = |digits: &str, lengths: &[usize]| {
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        (all_digits && lengths.contains(&digits.len())).then(|| digits.parse::<i8>().ok())?
    };
    let minute = number(minute, &[2])?;
    let hour = match half {
        None => number(hour, &[2])?,
        Some((_, hours)) => {
            number(hour, &[1, 2]).filter(|hour| (1..=12).contains(hour))? % 12 + hours
        }
    };
    Time::new(hour, minute, 0, 0).ok()
}

/// Returns whether an instant is written as in RFC 3339, section 5.6. jiff reads other forms
/// too.
fn is_rfc3339(text: &str) -> bool {
    const DATE_AND_TIME: &str = "0000-00-00T00:00:00";
    // A zero stands for any digit.
    let has_form = |text: &str, form: &str| {
        let fits = |(byte, form): (u8, u8)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte.eq_ignore_ascii_case(&form),
        };
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
    };
    let Some((date_and_time, rest)) = text.split_at_checked(DATE_AND_TIME.len()) else {
        return false;
    };
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            offset
        }
    };
    let is_numeric = has_form(offset, "+00:00") || has_form(offset, "-00:00");
    let is_offset =
        has_form(offset, "Z") || is_numeric && offset.get(1..3).is_some_and(|hours| hours < "24");
    has_form(date_and_time, DATE_AND_TIME) && is_offset
}

fn customer_error(field: &'static str, error: CustomerError) -> ApiError {
    let mut message = error.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    invalid(field, message + ".")
}

fn invalid(field: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(ErrorCode::InvalidField, message).for_field(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_24_or_12_hours() {
        let cases = [
            ("10:00", Some((10, 0))),
            ("00:00", Some((0, 0))),
            ("23:59", Some((23, 59))),
            ("1:30 PM", Some((13, 30))),
            ("01:30 pm", Some((13, 30))),
            ("12:00 AM", Some((0, 0))),
            ("12:00 PM", Some((12, 0))),
            ("24:00", None),
            ("9:00", None),
            ("13:00 PM", None),
            ("0:30 AM", None),
            ("1:30PM", None),
            ("10:60", None),
            ("10", None),
            ("-1:00", None),
            ("+1:30 PM", None),
            ("１０:00", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
            assert_eq!(clock_time(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_instant_has_the_form_of_rfc_3339() {
        let cases = [
            ("2026-11-24T10:00:00-08:00", true),
            ("2026-11-24T18:00:00Z", true),
            ("2026-11-24T18:00:00.5Z", true),
            ("2026-11-24t10:00:00-08:00", true),
            ("2026-11-24T18:00:00z", true),
            ("2026-11-24t18:00:00.123456789z", true),
            ("2026-11-24T18:00:00-00:00", true),
            ("2026-11-24T23:30:00+05:30", true),
            ("2026-11-24T10:00:00-08", false),
            ("2026-11-24T10:00:00-0800", false),
            ("2026-11-24T10:00:00-8:00", false),
            ("2026-11-24T10:00:00-08:00:00", false),
            ("2026-11-24T10:00:00+24:00", false),
            ("2026-11-24T10:00:00+08:60", false),
            ("2026-11-24T10:00:00\u{2212}08:00", false),
            ("2026-11-24T10:00:00 -08:00", false),
            ("2026-11-24T10:00-08:00", false),
            ("2026-11-24T10-08:00", false),
            ("2026-11-24T100000-08:00", false),
            ("2026-11-24T10:00:00.Z", false),
            ("2026-11-24T10:00:00,5Z", false),
            ("2026-11-24T10:00:00.5", false),
            ("2026-11-24T10:00:00ZZ", false),
            (" 2026-11-24T10:00:00Z", false),
            ("2026-11-24T10:00:00Z ", false),
            ("2026-11-24T24:00:00Z", false),
            ("２026-11-24T10:00:00Z", false),
            ("2026-11-24", false),
            ("2026-11-24T10:00:00", false),
            ("2026-11-24 10:00:00-08:00", false),
            ("2026-11-24T10:00:00-08:00[America/Los_Angeles]", false),
            ("20261124T100000-0800", false),
            ("+002026-11-24T10:00:00Z", false),
            ("2026-02-30T10:00:00Z", false),
            ("", false),
        ];
        for (text, expected) in cases {
            let fields = Map::from_iter([("start".to_owned(), Value::from(text))]);
            assert_eq!(Fields(fields).when().is_ok(), expected, "{text:?}");
        }
    }
}
