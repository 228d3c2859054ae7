//! Ways to pay: what Stripe names, and what the sandbox's account has on.

use salon::money::Currency;

use super::api_error::ApiError;

pub(super) const CARD: &str = "card";

/// Methods that send the payer to another site and back.
const REDIRECTING: [&str; 42] = [
    "affirm",
    "afterpay_clearpay",
    "alipay",
    "alma",
    "amazon_pay",
    "bancontact",
    "billie",
    "bizum",
    "blik",
    "cashapp",
    "crypto",
    "eps",
    "fpx",
    "giropay",
    "grabpay",
    "ideal",
    "kakao_pay",
    "klarna",
    "kr_card",
    "mb_way",
    "mobilepay",
    "naver_pay",
    "p24",
    "pay_by_bank",
    "payco",
    "paynow",
    "paypal",
    "paypay",
    "payto",
    "pix",
    "promptpay",
    "revolut_pay",
    "samsung_pay",
    "satispay",
    "scalapay",
    "sequra",
    "sofort",
    "sunbit",
    "swish",
    "twint",
    "upi",
    "wechat_pay",
];

/// All others.
const STAYING: [&str; 14] = [
    CARD,
    "acss_debit",
    "au_becs_debit",
    "bacs_debit",
    "boleto",
    "customer_balance",
    "konbini",
    "link",
    "multibanco",
    "nz_bank_account",
    "oxxo",
    "sepa_debit",
    "us_bank_account",
    "zip",
];

/// Returns the bank debit of a currency, whose money comes days later.
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

/// Returns the debit among the methods of a session.
pub(super) fn delayed(methods: &[&'static str]) -> Option<&'static str> {
    methods.iter().find(|method| **method != CARD).copied()
}

/// Returns what a session offers: cards and the currency's bank debit, as far
/// as it does not narrow them.
///
/// # Errors
/// If nothing is left.
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

/// Says whether Stripe knows a method of this name.
pub(super) fn is_known(method: &str) -> bool {
    STAYING.contains(&method) || REDIRECTING.contains(&method)
}

/// Says whether a payer could be sent to another site. Unnarrowed, Stripe takes
/// what the account has on, and accounts have such methods on by default.
pub(super) fn may_redirect(allowed: Option<&[String]>, excluded: &[String]) -> bool {
    match allowed {
        None => true,
        Some(allowed) => allowed
            .iter()
            .any(|method| REDIRECTING.contains(&method.as_str()) && !excluded.contains(method)),
    }
}
