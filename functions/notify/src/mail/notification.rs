//! The events in a booking's life that people are notified about.

use salon::booking::{Booking, State};
use salon::service::StaffId;

/// A reason to notify people about a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// The booking is paid, and the visitor has the time.
    Confirmed,
    /// The booking was paid late, when its staff member was no longer free, and is now
    /// with another one.
    Moved {
        /// The staff member before.
        from: StaffId,
    },
    /// The booking was paid late, when the time was taken: the payment is refunded.
    PaidTooLate,
    /// The booking was paid after it was cancelled: the payment is refunded.
    PaidAfterCancelling,
    /// The visitor stood by and did not get the time, or has stopped standing by. Nothing
    /// is charged.
    Released,
    /// A paid booking was cancelled.
    Cancelled,
    /// The refund was made.
    Refunded,
    /// The refund failed.
    RefundFailed,
    /// The bank may take the payment back, because of a dispute or a fraud warning.
    Contested,
    /// The appointment is soon.
    Reminder,
}

impl Notification {
    /// Returns the notification for a change of a booking, if there is one. Changes before
    /// the payment have none.
    #[must_use]
    pub fn for_change(before: &Booking, after: &Booking) -> Option<Self> {
        if before.incidents.warnings.len() < after.incidents.warnings.len() {
            return Some(Self::Contested);
        }
        match (before.state, after.state) {
            (State::Expired, State::Confirmed) if before.staff != after.staff => {
                Some(Self::Moved { from: before.staff.clone() })
            }
            (
                State::Held | State::Processing | State::Expired | State::Capturing,
                State::Confirmed,
            ) => Some(Self::Confirmed),
            (
                State::Expired | State::Standby | State::InLine | State::Released,
                State::Refunding,
            ) => Some(Self::PaidTooLate),
            (State::InLine | State::Capturing, State::Released) => Some(Self::Released),
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
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund-failed",
            Self::Contested => "contested",
            Self::Reminder => "reminder",
        }
    }

    /// Returns whether calendar entries change.
    #[must_use]
    pub const fn changes_calendars(&self) -> bool {
        match self {
            Self::Confirmed | Self::Moved { .. } | Self::Cancelled | Self::Refunded => true,
            Self::PaidTooLate
            | Self::PaidAfterCancelling
            | Self::Released
            | Self::RefundFailed
            | Self::Contested
            | Self::Reminder => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use salon::booking::{PaymentWarning, WarningKind};

    use super::*;

    #[test]
    fn changes_that_concern_a_payment_have_a_notification() {
        let expected = |before, after| match (before, after) {
            ("held" | "processing" | "expired" | "capturing", "confirmed") => Some("confirmed"),
            ("in_line" | "capturing", "released") => Some("released"),
            ("expired" | "standby" | "in_line" | "released", "refunding") => Some("paid-too-late"),
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
                let notification = Notification::for_change(&before, &after);
                let expected = expected(from.as_str(), to.as_str());
                assert_eq!(
                    notification.as_ref().map(Notification::as_str),
                    expected,
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn a_late_payment_that_moves_to_another_person_has_its_own_notification() {
        let (mut before, after) = (testing::booking(), testing::booking());
        before.staff = StaffId::new("s2").unwrap();
        before.state = State::Expired;
        assert_eq!(
            Notification::for_change(&before, &after),
            Some(Notification::Moved { from: before.staff.clone() })
        );
    }

    #[test]
    fn only_news_of_a_dispute_is_a_notification() {
        let before = testing::booking();
        let mut after = before.clone();
        after.incidents.warnings.push(PaymentWarning {
            kind: WarningKind::Dispute,
            id: "du_1".to_owned(),
            payment: "pi_1".to_owned(),
            at: after.changed_at,
        });
        assert_eq!(Notification::for_change(&before, &after), Some(Notification::Contested));
        assert_eq!(Notification::for_change(&after, &after), None);
    }
}
