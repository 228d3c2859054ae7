use jiff::Timestamp;
use openchair::store::StoreError;
use openchair::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

use super::{Bug, Fault, Table, short};

impl Table {
    /// Asks for something about a marker.
    async fn ask<T>(
        &self,
        asked: &'static str,
        asking: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.fault() {
            None => asking.await,
            // One item's write is in nobody's way.
            Some(Fault::Lost | Fault::Conflict) => {
                tokio::task::yield_now().await;
                Err(self.unavailable(asked))
            }
            Some(Fault::Unanswered) => {
                asking.await?;
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
        self.told.books().claimed(id, effect, claim);
        self.trace.note(|| {
            let Effect { name, version } = effect;
            format!("  table: {name} of {} (version {version}): {claim:?}", short(id))
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
            self.told.books().marked();
            Ok(())
        };
        // Where only the answer is lost, the attempt was not cut off: it is marked.
        let marked = self.ask("marking an effect", marking).await;
        marked.inspect_err(|_| self.told.books().cut_off())
    }

    async fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let giving = self.inner.release_claim(id, effect, until);
        self.ask("giving a claim back", giving).await
    }
}
