//! How a deposit is paid.

use std::str::FromStr;

/// The page on which a client pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentUi {
    /// The payment service's own page, to which the browser goes.
    Hosted,
    /// The payment service's form, in a frame of the salon's page.
    Embedded,
    /// The salon's own form, made of the payment service's fields.
    Elements,
}

impl PaymentUi {
    /// Returns the name by which requests and the salon file know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Embedded => "embedded",
            Self::Elements => "elements",
        }
    }
}

/// The text names no page to pay on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page to pay on is hosted, embedded or elements")]
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
    fn every_page_is_found_by_its_name() {
        for ui in [PaymentUi::Hosted, PaymentUi::Embedded, PaymentUi::Elements] {
            assert_eq!(ui.as_str().parse(), Ok(ui));
        }
        for text in ["", "Hosted", "hosted_page", " elements"] {
            assert_eq!(text.parse::<PaymentUi>(), Err(UnknownPaymentUi), "{text}");
        }
    }
}
