//! What a visitor of the site asks for, and when.

use serde::Serialize;

/// Of the visitors, those who come back to the open times later than the minute
/// for which their browser keeps them. A page shows them once; people compare.
const RETURNS: f64 = 0.4;
/// Of the visitors, those whose browser does not have the menu: it is kept for an
/// hour, so only who comes again soon is spared.
const NEEDS_MENU: f64 = 0.7;
/// Of the visitors, those who choose a service and look at its exact times.
const CHOOSES: f64 = 0.3;
/// At how many services or weeks one of them looks.
const CHOICES: u32 = 2;
/// Of the visitors, those who check out: what shops call a good conversion.
pub(super) const CHECKS_OUT: f64 = 0.04;
/// Of those, who pay. The others leave Stripe's page, and the session expires.
pub(super) const PAYS: f64 = 0.7;
/// How often the page that Stripe returns to asks for the booking.
const LOOKS: u32 = 2;
/// Of the bookings that are paid, those that are cancelled.
pub(super) const CANCELS: f64 = 0.05;
/// What Stripe sends of a refund: created, updated, and the charge's.
const REFUND_EVENTS: u32 = 3;

/// A function that answers requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Function {
    /// `functions/availability`
    Availability,
    /// `functions/checkout`
    Checkout,
    /// `functions/webhook`
    Webhook,
}

/// Something that is asked of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Asked {
    /// `GET /availability`
    OpenTime,
    /// `GET /services`
    Menu,
    /// `GET /availability?service=…`
    Starts,
    /// `POST /checkout` with a body
    Checkout,
    /// `GET /bookings/{id}`
    Look,
    /// `POST /bookings/{id}/cancel`
    Cancel,
    /// `POST /stripe/webhook`
    Event,
}

impl Function {
    /// Lists the functions.
    pub const ALL: [Self; 3] = [Self::Availability, Self::Checkout, Self::Webhook];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Checkout => "checkout",
            Self::Webhook => "webhook",
        }
    }

    /// Returns its place in [`Function::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl Asked {
    /// Lists what is asked.
    pub const ALL: [Self; 7] = [
        Self::OpenTime,
        Self::Menu,
        Self::Starts,
        Self::Checkout,
        Self::Look,
        Self::Cancel,
        Self::Event,
    ];

    /// Returns the request line.
    #[must_use]
    pub const fn route(self) -> &'static str {
        match self {
            Self::OpenTime => "GET /availability",
            Self::Menu => "GET /services",
            Self::Starts => "GET /availability?service=…",
            Self::Checkout => "POST /checkout",
            Self::Look => "GET /bookings/{id}",
            Self::Cancel => "POST /bookings/{id}/cancel",
            Self::Event => "POST /stripe/webhook",
        }
    }

    /// Returns the function that answers it.
    #[must_use]
    pub const fn function(self) -> Function {
        match self {
            Self::OpenTime | Self::Menu | Self::Starts => Function::Availability,
            Self::Checkout | Self::Look | Self::Cancel => Function::Checkout,
            Self::Event => Function::Webhook,
        }
    }

    /// Returns how often a visit asks for it, on average.
    #[must_use]
    pub fn per_visit(self) -> f64 {
        match self {
            Self::OpenTime => 1.0 + RETURNS,
            Self::Menu => NEEDS_MENU,
            Self::Starts => CHOOSES * f64::from(CHOICES),
            Self::Checkout => CHECKS_OUT,
            Self::Look => CHECKS_OUT * PAYS * f64::from(LOOKS),
            Self::Cancel => CHECKS_OUT * PAYS * CANCELS,
            // One says that it is paid, or that it expired.
            Self::Event => CHECKS_OUT * (1.0 + PAYS * CANCELS * f64::from(REFUND_EVENTS)),
        }
    }

    /// Returns why that often, for a table.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::OpenTime => {
                "every visitor, and 40 % once more after the minute for which browsers keep it"
            }
            Self::Menu => "70 %; the others' browsers have it, for an hour",
            Self::Starts => "30 % choose, and look at two services or weeks",
            Self::Checkout => "4 %",
            Self::Look => "70 % of those pay, and the page they return to asks twice",
            Self::Cancel => "5 % of the bookings that are paid",
            Self::Event => "one a checkout, paid or expired, and three a refund",
        }
    }

    /// Returns the size of its answer with its headers, in bytes: 43 days of open
    /// time, a menu of 30 services, the starts of a week, a booking.
    pub(super) const fn response_bytes(self) -> f64 {
        match self {
            Self::OpenTime => 2_300.0,
            Self::Menu => 7_500.0,
            Self::Starts => 9_000.0,
            Self::Checkout => 1_300.0,
            Self::Look | Self::Cancel => 900.0,
            Self::Event => 400.0,
        }
    }
}

/// Returns how many requests a visit makes, on average.
#[must_use]
pub fn requests_per_visit() -> f64 {
    Asked::ALL.into_iter().map(Asked::per_visit).sum()
}

/// Tells what one visitor asks for, in seconds after they came.
pub(super) fn visit(random: &mut fastrand::Rng, mut ask: impl FnMut(f64, Asked)) {
    let mut happens = |share: f64| random.f64() < share;
    ask(0.0, Asked::OpenTime);
    if happens(NEEDS_MENU) {
        // The page asks for both at once, which takes two containers.
        ask(0.0, Asked::Menu);
    }
    if happens(CHOOSES) {
        (1..=CHOICES).for_each(|choice| ask(30.0 * f64::from(choice), Asked::Starts));
    }
    if happens(RETURNS) {
        ask(100.0, Asked::OpenTime);
    }
    if !happens(CHECKS_OUT) {
        return;
    }
    ask(150.0, Asked::Checkout);
    if !happens(PAYS) {
        // Stripe lets go of the session after 35 minutes.
        ask(150.0 + 35.0 * 60.0, Asked::Event);
        return;
    }
    ask(240.0, Asked::Event);
    (1..=LOOKS).for_each(|look| ask(240.0 + 2.0 * f64::from(look), Asked::Look));
    if happens(CANCELS) {
        ask(6.0 * 3600.0, Asked::Cancel);
        (1..=REFUND_EVENTS)
            .for_each(|event| ask(6.0 * 3600.0 + 3.0 * f64::from(event), Asked::Event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_visitors_ask_for_is_as_often_as_the_averages_say() {
        const VISITS: u32 = 200_000;
        let mut random = fastrand::Rng::with_seed(7);
        let mut counts = [0_u32; Asked::ALL.len()];
        for _ in 0..VISITS {
            visit(&mut random, |_, asked| counts[asked as usize] += 1);
        }
        for (asked, count) in Asked::ALL.into_iter().zip(counts) {
            let seen = f64::from(count) / f64::from(VISITS);
            let (expected, tolerance) = (asked.per_visit(), 4.0 / f64::from(count).sqrt());
            assert!((seen / expected - 1.0).abs() < tolerance, "{asked:?}: {seen}, not {expected}");
        }
    }
}
