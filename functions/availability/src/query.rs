//! The query parameters of `/availability`.

use jiff::Span;
use jiff::civil::Date;
use openchair::http::{ApiError, ErrorCode};
use salon::service::{ServiceId, StaffId};
use salon::strict_date::parse_date;
use salon::{DateRange, Salon};

/// The parameters of a request to `/availability`: the key of a cached body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    pub(crate) service: Option<StartsQuery>,
    pub(crate) staff: Option<StaffId>,
}

/// The service and dates for which start times are requested. The dates are not yet
/// compared with the horizon, which moves with the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StartsQuery {
    pub(crate) service: ServiceId,
    from: Option<Date>,
    days: Option<u16>,
    /// Whether to list the times that only unpaid holds are in the way of, too.
    pub(crate) with_standby: bool,
}

impl Query {
    /// Parses the parameters. Without a service, `from`, `days` and `standby` are ignored like any
    /// unknown parameter.
    pub(crate) fn parse<'a>(
        salon: &Salon,
        parameter: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, ApiError> {
        let dates = match parameter("service") {
            Some(service) => {
                let (from, days) = (from(parameter("from"))?, days(parameter("days"))?);
                Some((service, from, days, standby(parameter("standby"))?))
            }
            None => None,
        };
        let service = match dates {
            Some((id, from, days, with_standby)) => {
                let service = salon.service(id).ok_or_else(unknown_service)?;
                Some(StartsQuery { service: service.id.clone(), from, days, with_standby })
            }
            None => None,
        };
        let staff = match parameter("staff") {
            Some(id) => Some(salon.staff_member(id).ok_or_else(unknown_staff)?.id.clone()),
            None => None,
        };
        Ok(Self { service, staff })
    }
}

impl StartsQuery {
    /// Returns the first and the last date. The default is the whole horizon.
    pub(crate) fn dates(&self, horizon: DateRange) -> Result<(Date, Date), ApiError> {
        let first = self.from.unwrap_or(horizon.first);
        if !horizon.contains(first) {
            return Err(outside(horizon, "from"));
        }
        let Some(days) = self.days else { return Ok((first, horizon.last)) };
        let last = first.saturating_add(Span::new().days(days - 1));
        if horizon.contains(last) { Ok((first, last)) } else { Err(outside(horizon, "days")) }
    }
}

fn from(text: Option<&str>) -> Result<Option<Date>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let message = "`from` is a date, YYYY-MM-DD.";
    parse_date(text)
        .map(Some)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidParameter, message).for_field("from"))
}

fn days(text: Option<&str>) -> Result<Option<u16>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let days = text.parse().ok().filter(|days| digits && (1..=1000).contains(days));
    let message = "`days` is a number of days, from 1 to the end of the horizon.";
    days.map(Some)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidParameter, message).for_field("days"))
}

fn standby(text: Option<&str>) -> Result<bool, ApiError> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            let message = "`standby` is true or false.";
            Err(ApiError::new(ErrorCode::InvalidParameter, message).for_field("standby"))
        }
    }
}

fn outside(horizon: DateRange, field: &'static str) -> ApiError {
    let message = format!("Times can be booked from {} to {}.", horizon.first, horizon.last);
    ApiError::new(ErrorCode::InvalidParameter, message).for_field(field)
}

fn unknown_service() -> ApiError {
    ApiError::new(
        ErrorCode::UnknownService,
        "There is no service with this id. GET /services lists them.",
    )
    .for_field("service")
}

fn unknown_staff() -> ApiError {
    ApiError::new(
        ErrorCode::UnknownStaff,
        "There is no staff member with this id. GET /services lists them.",
    )
    .for_field("staff")
}
