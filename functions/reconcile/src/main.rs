//! Settles bookings for which no Stripe event arrived, on a schedule.

use lambda_runtime::Error;
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::payments::StripeClient;
use openchair::runtime::run_events;
use openchair::store::DynamoStore;
use reconcile::{Reconcile, ScheduleEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_events(start, |function, event: ScheduleEvent, deadline| async move {
        function.handle(event, deadline).await
    })
    .await
}

async fn start() -> Result<Reconcile<DynamoStore, Origins, StripeClient>, Error> {
    let bookings = Box::pin(Bookings::load(Config::from_env()?)).await?;
    Ok(Reconcile::new(bookings, Clock::machine()))
}
