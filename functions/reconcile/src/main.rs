//! Settles, on a schedule, what no event of Stripe's has.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::payments::StripeClient;
use openchair::store::DynamoStore;
use openchair::telemetry;
use reconcile::Reconcile;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let start = Box::pin(start()).await;
    let function = start.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    let function = Arc::new(function);
    run_concurrent(service_fn(move |event: LambdaEvent<IgnoredAny>| {
        let function = Arc::clone(&function);
        async move {
            let deadline = i64::try_from(event.context.deadline)?;
            function.run(Timestamp::from_millisecond(deadline)?).await?;
            Ok::<_, Error>(())
        }
    }))
    .await
}

async fn start() -> Result<Reconcile<DynamoStore, Origins, StripeClient>, Error> {
    let bookings = Box::pin(Bookings::load(Config::from_env()?)).await?;
    Ok(Reconcile::new(bookings, Clock::machine()))
}
