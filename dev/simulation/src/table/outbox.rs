use jiff::Timestamp;
use openchair::store::StoreError;
use openchair::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

use super::{Bug, FAULTS, Fault, Table, short};

impl Table {
    /// Makes a request about a marker.
    async fn ask<T>(
        &self,
        asked: &'static str,
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.faults.next_of_table(&FAULTS) {
            None => request.await,
            // The write of a single item has no conflicts.
            Some(Fault::RequestLost | Fault::Conflict) => {
                tokio::task::yield_now().await;
                Err(self.unavailable(asked))
            }
            Some(Fault::AnswerLost) => {
                request.await?;
                Err(self.unavailable(asked))
            }
        }
    }
}

impl Outbox for Table {
    async fn claim(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        until: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Claim, StoreError> {
        let claiming = self.inner.claim(id, effect, now, until, expires_at);
        let claim = match self.ask("a claim", claiming).await? {
            Claim::Refused if self.bug == Some(Bug::UnclaimedEffect) => Claim::Taken,
            claim => claim,
        };
        self.log.entries().add_claim(id, effect, claim);
        self.trace.call(|| {
            let Effect { name, version } = effect;
            format!("claims {name} of {}, version {version}: {claim:?}", short(id))
        });
        Ok(claim)
    }

    async fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let marking = async {
            if self.bug != Some(Bug::UnmarkedEffect) {
                self.inner.mark_done(id, effect, now, expires_at).await?;
            }
            self.log.entries().add_mark();
            self.trace.call(|| format!("marks {} of {} as done", effect.name, short(id)));
            Ok(())
        };
        // If only the answer was lost, the effect is marked, so nothing was interrupted.
        let marked = self.ask("a marker", marking).await;
        marked.inspect_err(|_| self.log.entries().interrupt())
    }

    async fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let giving = self.inner.release_claim(id, effect, until);
        self.ask("the release of a claim", giving).await
    }
}
