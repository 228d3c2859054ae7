//! The lists of sessions, refunds and events.

use axum::extract::{Request, State};
use axum::response::Response;
use jiff::SignedDuration;
use serde_json::Value;

use super::api_error::ApiError;
use super::params::Params;
use super::sandbox_ledger::Ledger;
use super::v1_call::read;
use super::v1_list::List;
use super::{CheckoutSession, Payment, Refund, Sandbox, SandboxEvent, SessionStatus};

/// How long events are listed.
const EVENT_RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);
const MAX_EVENT_TYPES: usize = 20;

/// <https://docs.stripe.com/api/checkout/sessions/list>
pub(super) async fn list_sessions(State(sandbox): State<Sandbox>, request: Request) -> Response {
    read(sandbox, request, |ledger, params| {
        let list = List::read(params, "payment_intent status")?;
        let status: Option<SessionStatus> = params.word("status")?;
        let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
        let is_wanted = |session: &CheckoutSession| {
            status.is_none_or(|status| session.status == status)
                && payment.is_none_or(|id| session.payment_intent.as_deref() == Some(id))
        };
        let to_json = |session: &CheckoutSession| {
            let payment = ledger.payment_of(&session.id).filter(|_| list.expands_payment);
            with_payment(session.to_json(), payment)
        };
        list.page("/v1/checkout/sessions", ledger.sessions(), is_wanted, to_json)
    })
    .await
}

/// <https://docs.stripe.com/api/refunds/list>
pub(super) async fn list_refunds(State(sandbox): State<Sandbox>, request: Request) -> Response {
    read(sandbox, request, |ledger, params| {
        let list = List::read(params, "payment_intent")?;
        let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
        let is_wanted = |refund: &Refund| payment.is_none_or(|id| refund.payment_intent == id);
        let to_json = |refund: &Refund| {
            let payment = ledger.payment(&refund.payment_intent);
            with_payment(refund.to_json(), payment.filter(|_| list.expands_payment))
        };
        list.page("/v1/refunds", ledger.refunds(), is_wanted, to_json)
    })
    .await
}

/// <https://docs.stripe.com/api/events/list>
pub(super) async fn list_events(State(sandbox): State<Sandbox>, request: Request) -> Response {
    read(sandbox, request, |ledger, params| {
        let list = List::read(params, "type types")?;
        if list.expands_payment {
            let message = "is not an expansion that the sandbox supports.";
            return Err(params.invalid("expand[0]", message));
        }
        let types = event_types(params)?;
        let oldest = ledger.now() - EVENT_RETENTION;
        let is_wanted = |event: &SandboxEvent| {
            oldest <= event.created
                && types.as_ref().is_none_or(|types| types.iter().any(|it| matches(it, event)))
        };
        let to_json = |event: &SandboxEvent| event.to_json();
        list.page("/v1/events", ledger.events().rev(), is_wanted, to_json)
    })
    .await
}

/// Reads `type` or `types`.
fn event_types(params: &Params<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let one = params.text("type", 5_000)?.map(|one| vec![one]);
    let types = params.texts("types")?;
    if let Some(types) = &types {
        if one.is_some() {
            return Err(params.invalid("types", "cannot be combined with type."));
        }
        if types.len() > MAX_EVENT_TYPES {
            let message = format!("has more than {MAX_EVENT_TYPES} types.");
            return Err(params.invalid("types", &message));
        }
    }
    Ok(one.or_else(|| types.map(|types| types.into_iter().map(str::to_owned).collect())))
}

/// Returns whether an event is of a type, in which `*` stands for any text.
fn matches(pattern: &str, event: &SandboxEvent) -> bool {
    let word = event.kind.word();
    match pattern.split_once('*') {
        None => word == pattern,
        Some((start, end)) => {
            let rest = word.strip_prefix(start);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
    }
}

/// Finds the payment in the parameter `payment_intent`.
pub(super) fn named_payment<'l>(
    ledger: &'l Ledger,
    params: &Params<'_>,
) -> Result<Option<&'l Payment>, ApiError> {
    let field = "payment_intent";
    let Some(id) = params.text(field, 5_000)? else {
        return Ok(None);
    };
    let payment = ledger.payment(&id);
    payment.map(Some).ok_or_else(|| ApiError::no_such("payment intent", field, &id))
}

/// Includes a payment in the object that names it.
pub(super) fn with_payment(mut object: Value, payment: Option<&Payment>) -> Value {
    if let Some(payment) = payment {
        object["payment_intent"] = payment.to_json();
    }
    object
}
