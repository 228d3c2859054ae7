//! Payment methods: all of Stripe's, and those that the sandbox's account offers.

use salon::money::Currency;

use super::api_error::ApiError;

pub(super) const CARD: &str = "card";

/// Methods that redirect the payer to another site.
const REDIRECTING: &str = "\
    affirm afterpay_clearpay alipay alma amazon_pay bancontact billie bizum blik cashapp crypto \
    eps fpx giropay grabpay ideal kakao_pay klarna kr_card mb_way mobilepay naver_pay p24 \
    pay_by_bank payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay \
    scalapay sequra sofort sunbit swish twint upi wechat_pay";

/// All other methods.
const NOT_REDIRECTING: &str = "\
    card acss_debit au_becs_debit bacs_debit boleto customer_balance konbini link multibanco \
    nz_bank_account oxxo sepa_debit us_bank_account zip";

/// Returns the bank debit method of a currency.
fn bank_debit(currency: Currency) -> Option<&'static str> {
    match currency.code() {
        "aud" => Some("au_becs_debit"),
        "cad" => Some("acss_debit"),
        "eur" => Some("sepa_debit"),
        "gbp" => Some("bacs_debit"),
        "nzd" => Some("nz_bank_account"),
        "usd" => Some("us_bank_account"),
        _ => None,
    }
}

/// Returns the bank debit among a session's methods.
pub(super) fn delayed(methods: &[&'static str]) -> Option<&'static str> {
    methods.iter().find(|method| **method != CARD).copied()
}

/// Returns the methods that a session offers: of cards and the currency's bank debit, those
/// that the session allows. Fails if none remains.
pub(super) fn offered(
    currency: Currency,
    allowed: Option<&[String]>,
    excluded: &[String],
) -> Result<Vec<&'static str>, ApiError> {
    let here = |list: &[String], method: &str| list.iter().any(|listed| listed == method);
    let offered: Vec<_> = [Some(CARD), bank_debit(currency)]
        .into_iter()
        .flatten()
        .filter(|method| allowed.is_none_or(|allowed| here(allowed, method)))
        .filter(|method| !here(excluded, method))
        .collect();
    if offered.is_empty() {
        return Err(ApiError::malformed("No payment method is left for this session."));
    }
    Ok(offered)
}

/// Returns whether Stripe has this method.
pub(super) fn is_known(method: &str) -> bool {
    has_word(NOT_REDIRECTING, method) || has_word(REDIRECTING, method)
}

/// Returns whether a payer could be redirected. Without a list of allowed methods, Stripe
/// offers the account's methods, which redirect by default.
pub(super) fn may_redirect(allowed: Option<&[String]>, excluded: &[String]) -> bool {
    match allowed {
        None => true,
        Some(allowed) => {
            allowed.iter().any(|method| has_word(REDIRECTING, method) && !excluded.contains(method))
        }
    }
}

/// Returns whether a list of words contains `word`.
pub(super) fn has_word(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|listed| listed == word)
}
