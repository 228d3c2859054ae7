/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Checkout,
    /// A booking, by what stands in the place of its id.
    Booking(&'a str),
    Cancel(&'a str),
    /// A booking's calendar file.
    Calendar(&'a str),
    Unknown,
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        if path == "/checkout" {
            return Self::Checkout;
        }
        let Some(rest) = path.strip_prefix("/bookings/") else { return Self::Unknown };
        match rest.split_once('/') {
            None if !rest.is_empty() => Self::Booking(rest),
            Some((id, "cancel")) if !id.is_empty() => Self::Cancel(id),
            Some((id, "calendar.ics")) if !id.is_empty() => Self::Calendar(id),
            _ => Self::Unknown,
        }
    }

    /// Returns the route's name in the log, without the id.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Checkout => "/checkout",
            Self::Booking(_) => "/bookings/{id}",
            Self::Cancel(_) => "/bookings/{id}/cancel",
            Self::Calendar(_) => "/bookings/{id}/calendar.ics",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_routes() {
        let table = [
            ("/checkout", Route::Checkout),
            ("/bookings/1", Route::Booking("1")),
            ("/bookings/1/cancel", Route::Cancel("1")),
            ("/bookings/1/calendar.ics", Route::Calendar("1")),
            ("/bookings/", Route::Unknown),
            ("/bookings", Route::Unknown),
            ("/bookings//cancel", Route::Unknown),
            ("/bookings/1/cancel/", Route::Unknown),
            ("/bookings/1/2", Route::Unknown),
            ("/checkout/", Route::Unknown),
        ];
        for (path, expected) in table {
            assert_eq!(Route::of(path), expected, "{path}");
        }
    }
}
