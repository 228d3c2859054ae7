//! Stripe's test cards: <https://docs.stripe.com/testing>.

use super::sandbox_dispute::DisputeReason;
use super::sandbox_options::Refunds;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Pays, and lets this happen afterwards.
    Pays(Aftermath),
    /// Declined, with a message for the payer.
    Declined(&'static str),
    /// Requires 3-D Secure.
    Challenged,
}

/// What happens after a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    None,
    /// Its refunds end like this.
    Refunds(Refunds),
    /// The payer disputes it, after the bank's time.
    Dispute(DisputeReason),
    /// The payer's bank warns that it is a fraud, after the bank's time.
    FraudWarning,
}

const PAYS: Outcome = Outcome::Pays(Aftermath::None);
const GENERIC_DECLINE: Outcome = Outcome::Declined("Your card was declined.");

/// The cards that the payment page offers: number, title and outcome.
pub(super) const TEST_CARDS: [(&str, &str, Outcome); 12] = [
    ("4242424242424242", "Pays", PAYS),
    ("4000002500003155", "Asks for 3-D Secure", Outcome::Challenged),
    ("4000000000000002", "Declined", GENERIC_DECLINE),
    (
        "4000000000009995",
        "Insufficient funds",
        Outcome::Declined("Your card has insufficient funds."),
    ),
    ("4000000000000069", "Expired card", Outcome::Declined("Your card has expired.")),
    ("4000000000000127", "Wrong CVC", Outcome::Declined("Your card's security code is incorrect.")),
    (
        "4000000000000119",
        "Processing error",
        Outcome::Declined("The card could not be processed. Try again in a moment."),
    ),
    ("4000000000007726", "Refund is pending", Outcome::Pays(Aftermath::Refunds(Refunds::Pending))),
    ("4000000000005126", "Refund fails later", Outcome::Pays(Aftermath::Refunds(Refunds::Failing))),
    (
        "4000000000000259",
        "Disputed as a fraud",
        Outcome::Pays(Aftermath::Dispute(DisputeReason::Fraudulent)),
    ),
    (
        "4000000000002685",
        "Disputed as not received",
        Outcome::Pays(Aftermath::Dispute(DisputeReason::ProductNotReceived)),
    ),
    ("4000000000005423", "Early fraud warning", Outcome::Pays(Aftermath::FraudWarning)),
];

/// Other brands that pay. The page does not list them.
const OTHER_BRANDS: [&str; 4] =
    ["5555555555554444", "378282246310005", "6011111111111117", "4000056655665556"];

/// Parses a card number, with spaces or dashes. The error is a message for the payer.
pub(super) fn outcome_of(typed: &str) -> Result<Outcome, &'static str> {
    let number: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if number.is_empty() {
        return Err("Enter a card number.");
    }
    if let Some((_, _, outcome)) = TEST_CARDS.iter().find(|(known, ..)| *known == number) {
        return Ok(*outcome);
    }
    if OTHER_BRANDS.contains(&number.as_str()) {
        return Ok(PAYS);
    }
    if number.bytes().all(|b| b.is_ascii_digit()) {
        // A real card number is always refused.
        return Err("This is not a test card. Use one of the cards below, never a real card.");
    }
    Err("A card number contains only digits.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_cards_have_the_documented_outcomes() {
        let insufficient = Outcome::Declined("Your card has insufficient funds.");
        let cases = [
            ("4242424242424242", Some(PAYS)),
            (" 4242 4242 4242 4242 ", Some(PAYS)),
            ("4242-4242-4242-4242", Some(PAYS)),
            ("5555 5555 5555 4444", Some(PAYS)),
            ("4000 0025 0000 3155", Some(Outcome::Challenged)),
            ("4000000000000002", Some(GENERIC_DECLINE)),
            ("4000000000007726", Some(Outcome::Pays(Aftermath::Refunds(Refunds::Pending)))),
            ("4000000000005126", Some(Outcome::Pays(Aftermath::Refunds(Refunds::Failing)))),
            ("4000000000009995", Some(insufficient)),
            ("4539578763621486", None),
            ("4242", None),
            ("card", None),
            ("", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(outcome_of(typed).ok(), expected, "{typed}");
        }
    }
}
