//! Injects failures of API calls.

use std::time::Duration;

use super::Sandbox;

/// A failure of the next calls of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The route as in [`Sandbox::requests`], such as `POST /v1/refunds`, or `*` for all.
    pub call: String,
    pub effect: Effect,
    pub times: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The call succeeds, and the connection closes without a response.
    HangUp,
    /// 500 without any change. Saved under the idempotency key, as at Stripe.
    ErrorBefore,
    /// 500 although the call succeeded. Saved under the idempotency key.
    ErrorAfter,
    /// 503 of a proxy in front of Stripe: no JSON, and nothing is saved.
    Unavailable,
    /// 429.
    RateLimited,
    /// 400, a permanent error. Saved under the idempotency key.
    Refused,
    /// The same, with this parameter as the reason.
    RefusedParameter(&'static str),
    /// The call takes this much longer. It continues if the client disconnects.
    Slow(Duration),
}

/// Takes the oldest fault for `route`.
pub(super) fn take(faults: &mut [Fault], route: &str) -> Option<Effect> {
    let fault = faults
        .iter_mut()
        .find(|fault| fault.times > 0 && (fault.call == "*" || fault.call == route))?;
    fault.times -= 1;
    Some(fault.effect)
}

impl Sandbox {
    /// Adds a fault, after those that are pending.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Removes all pending faults.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_apply_in_order_to_their_routes() {
        let fault = |call: &str, effect, times| Fault { call: call.to_owned(), effect, times };
        let mut faults =
            [fault("POST /v1/refunds", Effect::HangUp, 2), fault("*", Effect::RateLimited, 1)];
        assert_eq!(take(&mut faults, "POST /v1/refunds"), Some(Effect::HangUp));
        assert_eq!(take(&mut faults, "GET /v1/refunds"), Some(Effect::RateLimited));
        assert_eq!(take(&mut faults, "GET /v1/refunds"), None);
        assert_eq!(take(&mut faults, "POST /v1/refunds"), Some(Effect::HangUp));
        assert_eq!(take(&mut faults, "POST /v1/refunds"), None);
    }
}
