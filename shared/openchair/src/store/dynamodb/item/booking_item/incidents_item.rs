//! The attribute with the incidents of a booking's payments. Most bookings have none.

use AttributeValue::{L, M};
use aws_sdk_dynamodb::types::AttributeValue;
use salon::booking::{PaymentIncidents, PaymentWarning, SecondPayment, SecondRefund, WarningKind};

use super::super::{Item, instant, integer, map, number, optional, parsed, string, text};
use super::{money, money_of, present};

pub(super) fn write(incidents: &PaymentIncidents) -> Option<AttributeValue> {
    if incidents.is_empty() {
        return None;
    }
    let PaymentIncidents { second_payments, warnings, refunded_by_hand } = incidents;
    let seconds = second_payments.iter().map(|second| {
        let (refund, attempt) = match second.refund {
            SecondRefund::Owed { attempt } => ("owed", Some(attempt)),
            SecondRefund::Made => ("made", None),
            SecondRefund::Failed => ("failed", None),
        };
        let fields = [("paymentId", text(second.payment.as_str())), ("refund", text(refund))];
        let attempt = present([("attempt", attempt.map(integer))]);
        M(map(fields.into_iter().chain(attempt)))
    });
    let warnings = warnings.iter().map(|warning| {
        M(map([
            ("kind", text(warning.kind.as_str())),
            ("id", text(warning.id.as_str())),
            ("paymentId", text(warning.payment.as_str())),
            ("at", number(warning.at)),
        ]))
    });
    let lists = [("secondPayments", L(seconds.collect())), ("warnings", L(warnings.collect()))];
    let by_hand = present([("refundedByHand", refunded_by_hand.map(money))]);
    Some(M(map(lists.into_iter().chain(by_hand))))
}

pub(super) fn read(value: &AttributeValue) -> Option<PaymentIncidents> {
    let incidents = value.as_m().ok()?;
    let list = |name: &str| incidents.get(name)?.as_l().ok();
    Some(PaymentIncidents {
        second_payments: list("secondPayments")?.iter().map(second).collect::<Option<_>>()?,
        warnings: list("warnings")?.iter().map(warning).collect::<Option<_>>()?,
        refunded_by_hand: optional(incidents, "refundedByHand", money_of).ok()?,
    })
}

fn second(value: &AttributeValue) -> Option<SecondPayment> {
    let second: &Item = value.as_m().ok()?;
    let refund = match string(second.get("refund")?)? {
        "owed" => SecondRefund::Owed { attempt: parsed(second.get("attempt")?)? },
        "made" => SecondRefund::Made,
        "failed" => SecondRefund::Failed,
        _ => return None,
    };
    Some(SecondPayment { payment: string(second.get("paymentId")?)?.to_owned(), refund })
}

fn warning(value: &AttributeValue) -> Option<PaymentWarning> {
    let warning: &Item = value.as_m().ok()?;
    Some(PaymentWarning {
        kind: WarningKind::from_name(string(warning.get("kind")?)?)?,
        id: string(warning.get("id")?)?.to_owned(),
        payment: string(warning.get("paymentId")?)?.to_owned(),
        at: instant(warning.get("at")?)?,
    })
}
