/// The resource of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Checkout,
    /// A booking, by its id, which has not been checked.
    Booking(&'a str),
    Cancel(&'a str),
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

    /// Returns the route's name for the log, without the id.
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
    fn each_path_has_its_route() {
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
