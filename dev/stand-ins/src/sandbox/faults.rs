//! What goes wrong with API calls, on request.

use std::time::Duration;

use super::Sandbox;

/// Something that goes wrong with the next calls of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The calls, by route as in [`Sandbox::requests`]: `POST /v1/refunds`.
    /// `*` takes every call.
    pub call: String,
    /// What goes wrong.
    pub effect: Effect,
    /// How often.
    pub times: u32,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The work is done, and the connection ends without an answer.
    HangUp,
    /// 500 instead of the work. Saved under the idempotency key, as at Stripe.
    ErrorBefore,
    /// 500 although the work is done. Saved under the idempotency key.
    ErrorAfter,
    /// 503 of something in front of Stripe: no JSON, and nothing is saved.
    Unavailable,
    /// 429.
    RateLimited,
    /// 400, for good. Saved under the idempotency key.
    Refused,
    /// It takes so much longer. A client that gives up does not stop it.
    Slow(Duration),
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults)
    }

    /// Takes what goes wrong with a call of `route`: the oldest fault first.
    pub(super) fn take(&mut self, route: &str) -> Option<Effect> {
        let fault = self
            .0
            .iter_mut()
            .find(|fault| fault.times > 0 && (fault.call == "*" || fault.call == route))?;
        fault.times -= 1;
        Some(fault.effect)
    }
}

impl Sandbox {
    /// Lets something go wrong with the next calls of a kind, after what was
    /// asked for before.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.0.push(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.state().faults.0.clear();
    }

    /// Counts the faults that have not happened yet.
    #[must_use]
    pub fn faults_left(&self) -> u32 {
        self.state().faults.0.iter().map(|fault| fault.times).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_happen_in_order_as_often_as_asked_and_to_their_calls_only() {
        let fault = |call: &str, effect, times| Fault { call: call.to_owned(), effect, times };
        let mut faults = Faults::new(vec![
            fault("POST /v1/refunds", Effect::HangUp, 2),
            fault("*", Effect::RateLimited, 1),
        ]);
        assert_eq!(faults.take("POST /v1/refunds"), Some(Effect::HangUp));
        assert_eq!(faults.take("GET /v1/refunds"), Some(Effect::RateLimited));
        assert_eq!(faults.take("GET /v1/refunds"), None);
        assert_eq!(faults.take("POST /v1/refunds"), Some(Effect::HangUp));
        assert_eq!(faults.take("POST /v1/refunds"), None);
    }
}
