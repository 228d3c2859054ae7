//! News: what about a booking is worth a mail.

use salon::booking::{Booking, State};
use salon::service::StaffId;

/// What has happened, for those who are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is paid, and the time is the visitor's.
    Confirmed,
    /// It was paid late, when this person was not free any more, and is with
    /// somebody else.
    Moved {
        /// With whom it was.
        from: StaffId,
    },
    /// It was paid late, when the time was somebody else's: the money goes back.
    PaidTooLate,
    /// It was paid after it was cancelled: the money goes back.
    PaidAfterCancelling,
    /// It was cancelled after it was paid.
    Cancelled,
    /// The money is back.
    Refunded,
    /// The money could not be sent back.
    RefundFailed,
    /// The appointment is near.
    Reminder,
}

impl News {
    /// Returns the news in a change of a booking. What a visitor does before
    /// paying is none.
    #[must_use]
    pub fn of(before: &Booking, after: &Booking) -> Option<Self> {
        match (before.state, after.state) {
            (State::Expired, State::Confirmed) if before.staff != after.staff => {
                Some(Self::Moved { from: before.staff.clone() })
            }
            (State::Held | State::Processing | State::Expired, State::Confirmed) => {
                Some(Self::Confirmed)
            }
            (State::Expired, State::Refunding) => Some(Self::PaidTooLate),
            (State::Cancelled, State::Refunding) => Some(Self::PaidAfterCancelling),
            (State::Confirmed, State::Refunding | State::Cancelled) => Some(Self::Cancelled),
            (State::Refunding | State::RefundFailed, State::Refunded) => Some(Self::Refunded),
            (State::Refunding | State::Refunded, State::RefundFailed) => Some(Self::RefundFailed),
            _ => None,
        }
    }

    /// Returns the name that is part of a mail's id.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Moved { .. } => "moved",
            Self::PaidTooLate => "paid-too-late",
            Self::PaidAfterCancelling => "paid-after-cancelling",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund-failed",
            Self::Reminder => "reminder",
        }
    }

    /// Tells whether a calendar has to know.
    #[must_use]
    pub const fn is_for_calendars(&self) -> bool {
        match self {
            Self::Confirmed | Self::Moved { .. } | Self::Cancelled | Self::Refunded => true,
            Self::PaidTooLate | Self::PaidAfterCancelling | Self::RefundFailed | Self::Reminder => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_change_of_state_is_news_where_money_or_a_paid_time_is_concerned() {
        let expected = |before, after| match (before, after) {
            ("held" | "processing" | "expired", "confirmed") => Some("confirmed"),
            ("expired", "refunding") => Some("paid-too-late"),
            ("cancelled", "refunding") => Some("paid-after-cancelling"),
            ("confirmed", "cancelled" | "refunding") => Some("cancelled"),
            ("refunding" | "refund_failed", "refunded") => Some("refunded"),
            ("refunding" | "refunded", "refund_failed") => Some("refund-failed"),
            _ => None,
        };
        let (mut before, mut after) = (testing::booking(), testing::booking());
        for from in State::ALL {
            for to in State::ALL {
                (before.state, after.state) = (from, to);
                let news = News::of(&before, &after);
                let expected = expected(from.as_str(), to.as_str());
                assert_eq!(news.as_ref().map(News::as_str), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_late_payment_that_found_somebody_else_is_news_of_its_own() {
        let (mut before, after) = (testing::booking(), testing::booking());
        before.staff = StaffId::new("s2").unwrap();
        before.state = State::Expired;
        assert_eq!(News::of(&before, &after), Some(News::Moved { from: before.staff.clone() }));
    }
}
