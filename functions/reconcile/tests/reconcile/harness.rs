use std::ops::Deref;

use jiff::SignedDuration;
use openchair::bookings::{ReconcileReport, SettleError};
use openchair::busy::NoCalendars;
use openchair::payments::StripeClient;
use openchair::store::StoreError;
use reconcile::Reconcile;
use testing::{HarnessOptions, MemoryStore, SalonHarness};

/// The function, in front of a salon that no event of Stripe's reaches.
pub(crate) struct Harness {
    salon: SalonHarness,
    reconcile: Reconcile<MemoryStore, NoCalendars, StripeClient>,
}

impl Deref for Harness {
    type Target = SalonHarness;

    fn deref(&self) -> &SalonHarness {
        &self.salon
    }
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(HarnessOptions::default()).await
    }

    pub(crate) async fn with(options: HarnessOptions) -> Self {
        let salon = SalonHarness::with(options).await;
        let reconcile = Reconcile::new(salon.bookings(), salon.clock.clone());
        Self { salon, reconcile }
    }

    /// Runs the function as the schedule does, with a minute of time.
    pub(crate) async fn run(&self) -> ReconcileReport {
        self.run_for(SignedDuration::from_mins(1)).await.expect("the list can be read")
    }

    pub(crate) async fn run_for(
        &self,
        time: SignedDuration,
    ) -> Result<ReconcileReport, StoreError> {
        Box::pin(self.reconcile.run(self.clock.now() + time)).await
    }

    /// Runs the function as its daily schedule does.
    pub(crate) async fn check_refunds(&self) -> Result<usize, SettleError> {
        self.check_refunds_for(SignedDuration::from_mins(1)).await
    }

    pub(crate) async fn check_refunds_for(
        &self,
        time: SignedDuration,
    ) -> Result<usize, SettleError> {
        Box::pin(self.reconcile.check_refunds(self.clock.now() + time)).await
    }
}
