//! Where the client pays the deposit.

use std::str::FromStr;

/// The kind of page on which a client pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentUi {
    /// Stripe's own page, to which the browser is redirected.
    Hosted,
    /// Stripe's form in a frame of the salon's page.
    Embedded,
    /// The salon's own form, made of Stripe's fields.
    Elements,
}

impl PaymentUi {
    /// Returns the name in requests and the salon file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Embedded => "embedded",
            Self::Elements => "elements",
        }
    }
}

/// The text is not the name of a [`PaymentUi`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment page is hosted, embedded or elements")]
pub struct UnknownPaymentUi;

impl FromStr for PaymentUi {
    type Err = UnknownPaymentUi;

    fn from_str(text: &str) -> Result<Self, UnknownPaymentUi> {
        match text {
            "hosted" => Ok(Self::Hosted),
            "embedded" => Ok(Self::Embedded),
            "elements" => Ok(Self::Elements),
            _ => Err(UnknownPaymentUi),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ui_is_parsed_from_its_name() {
        for ui in [PaymentUi::Hosted, PaymentUi::Embedded, PaymentUi::Elements] {
            assert_eq!(ui.as_str().parse(), Ok(ui));
        }
        for text in ["", "Hosted", "hosted_page", " elements"] {
            assert_eq!(text.parse::<PaymentUi>(), Err(UnknownPaymentUi), "{text}");
        }
    }
}
