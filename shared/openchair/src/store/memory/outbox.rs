use std::collections::HashMap;

use jiff::Timestamp;

use super::MemoryStore;
use crate::store::StoreError;
use crate::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

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
        done.filter(|((of, _), _)| of == id).map(|((_, effect), _)| *effect).collect()
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
        let mut state = self.ask("a claim").await?;
        let marker = state.markers.entry((id.clone(), effect)).or_insert(Marker::Open);
        let claim = match *marker {
            Marker::Done => return Ok(Claim::Done),
            Marker::Claimed(until) if now < until => return Ok(Claim::Refused),
            Marker::Claimed(_) => Claim::TakenAgain,
            Marker::Open => Claim::Taken,
        };
        *marker = Marker::Claimed(until);
        Ok(claim)
    }

    async fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.ask("marking an effect").await?;
        state.markers.insert((id.clone(), effect), Marker::Done);
        Ok(())
    }

    async fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.ask("giving a claim back").await?;
        let marker = state.markers.entry((id.clone(), effect)).or_insert(Marker::Open);
        if *marker == Marker::Claimed(until) {
            *marker = Marker::Open;
        }
        Ok(())
    }
}
