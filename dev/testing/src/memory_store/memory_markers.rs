use std::collections::HashMap;

use jiff::Timestamp;

use openchair::store::StoreError;
use openchair::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

use super::{Call, MemoryStore, Outcome, State};

/// The markers.
pub(super) type Markers = HashMap<(BookingId, Effect), Marker>;

/// How far an effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// Whose claim was given back.
    Open,
    Claimed(Timestamp),
    Done,
}

impl MemoryStore {
    /// Returns the effects that have been carried out for a booking.
    pub fn effects(&self, id: &BookingId) -> Vec<Effect> {
        let state = self.state();
        let done = state.markers.iter().filter(|(_, marker)| **marker == Marker::Done);
        done.filter(|((booking, _), _)| booking == id).map(|((_, effect), _)| *effect).collect()
    }

    /// Removes an effect's marker, as if nobody had ever claimed it.
    pub fn remove_marker(&self, id: &BookingId, effect: Effect) {
        self.state().markers.remove(&(id.clone(), effect));
    }
}

impl Outbox for MemoryStore {
    async fn claim(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        until: Timestamp,
        _: Timestamp,
    ) -> Result<Claim, StoreError> {
        let take = |state: &mut State| {
            let marker = state.markers.entry((id.clone(), effect)).or_insert(Marker::Open);
            let claim = match *marker {
                Marker::Done => return Claim::Done,
                Marker::Claimed(until) if now < until => return Claim::Refused,
                Marker::Claimed(_) => Claim::TakenAgain,
                Marker::Open => Claim::Taken,
            };
            *marker = Marker::Claimed(until);
            claim
        };
        let call = Call::Claim(id, effect);
        self.call_with_outcome(call, take, |claim| Outcome::Claim(*claim)).await
    }

    async fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        self.call(Call::MarkDone(id, effect), |state| {
            state.markers.insert((id.clone(), effect), Marker::Done);
        })
        .await
    }

    async fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.call(Call::ReleaseClaim(id, effect), |state| {
            let marker = state.markers.entry((id.clone(), effect)).or_insert(Marker::Open);
            if *marker == Marker::Claimed(until) {
                *marker = Marker::Open;
            }
        })
        .await
    }
}
