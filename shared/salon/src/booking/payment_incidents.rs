//! What happens to the payments of a booking outside of its normal life: a second payment,
//! a dispute, a refund by hand.

use jiff::Timestamp;

use super::super::money::Money;
use super::RefundOutcome;

/// The incidents of a booking. Most bookings have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentIncidents {
    /// Payments besides the booking's own, in the order in which they were found. Each is
    /// refunded in full if it is the deposit. Any other amount is left to a person.
    pub second_payments: Vec<SecondPayment>,
    /// The disputes and fraud warnings about its payments.
    pub warnings: Vec<PaymentWarning>,
    /// The amount that somebody has refunded in Stripe's Dashboard, if it is the whole
    /// deposit.
    pub refunded_by_hand: Option<Money>,
}

/// A payment that names the booking, in addition to its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondPayment {
    /// Stripe's id of the payment: `pi_…`.
    pub payment: String,
    pub refund: SecondRefund,
}

/// How far the refund of a second payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondRefund {
    /// It has to be made.
    Owed {
        /// The attempt's number, starting at 1.
        attempt: u32,
    },
    Made,
    /// A person has to act.
    Failed,
}

/// A dispute or an early fraud warning. The bank may take the money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentWarning {
    pub kind: WarningKind,
    /// Stripe's id of the dispute (`du_…`) or the warning (`issfr_…`).
    pub id: String,
    /// The payment: `pi_…`.
    pub payment: String,
    /// When we learned of it.
    pub at: Timestamp,
}

/// The kind of a [`PaymentWarning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// The cardholder has questioned the payment with their bank
    /// (<https://docs.stripe.com/disputes>).
    Dispute,
    /// The card's issuer suspects fraud
    /// (<https://docs.stripe.com/disputes/measuring#early-fraud-warnings>).
    EarlyFraudWarning,
}

impl WarningKind {
    pub const ALL: [Self; 2] = [Self::Dispute, Self::EarlyFraudWarning];

    /// Returns the name in the table and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::EarlyFraudWarning => "early_fraud_warning",
        }
    }

    /// Finds a kind by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl PaymentIncidents {
    /// Returns whether there are no incidents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the bank may take a payment back. It must not be refunded as well.
    #[must_use]
    pub fn is_contested(&self, payment: &str) -> bool {
        self.warnings.iter().any(|warning| warning.payment == payment)
    }

    /// Returns whether a second payment has not been refunded yet.
    #[must_use]
    pub fn owes_refund(&self) -> bool {
        let is_owed = |second: &SecondPayment| matches!(second.refund, SecondRefund::Owed { .. });
        self.second_payments.iter().any(is_owed)
    }

    /// Adds a second payment. Returns whether it is new.
    pub(super) fn add_second_payment(&mut self, payment: &str, refund: SecondRefund) -> bool {
        let is_new = self.second_payments.iter().all(|second| second.payment != payment);
        if is_new {
            let payment = payment.to_owned();
            self.second_payments.push(SecondPayment { payment, refund });
        }
        is_new
    }

    /// Adds a warning. Returns whether it is new.
    pub(super) fn add_warning(&mut self, warning: &PaymentWarning) -> bool {
        let is_new = self.warnings.iter().all(|known| known.id != warning.id);
        if is_new {
            self.warnings.push(warning.clone());
        }
        is_new
    }

    /// Records the outcome of the refund of a second payment. Returns whether it is news.
    pub(super) fn end_second_refund(&mut self, payment: &str, outcome: RefundOutcome) -> bool {
        let mut seconds = self.second_payments.iter_mut();
        let Some(second) = seconds.find(|second| second.payment == payment) else { return false };
        let next = match (second.refund, outcome) {
            (SecondRefund::Owed { .. } | SecondRefund::Failed, RefundOutcome::Made) => {
                SecondRefund::Made
            }
            (SecondRefund::Owed { .. } | SecondRefund::Made, RefundOutcome::Refused) => {
                SecondRefund::Failed
            }
            // Two concurrent callers must not both start a next attempt.
            (SecondRefund::Owed { attempt }, RefundOutcome::TryAnew { attempt: failed })
                if attempt == failed =>
            {
                SecondRefund::Owed { attempt: attempt + 1 }
            }
            _ => return false,
        };
        second.refund = next;
        true
    }
}
