//! Settles, on a schedule, what no event of Stripe's has.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reconcile::Reconcile;
use serde::de::IgnoredAny;
use shared::bookings::Bookings;
use shared::calendars::Origins;
use shared::clock::Clock;
use shared::config::Config;
use shared::payments::Client;
use shared::store::DynamoStore;
use shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let function =
        start().await.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    let function = &function;
    run(service_fn(async move |event: LambdaEvent<IgnoredAny>| {
        let deadline = i64::try_from(event.context.deadline)?;
        function.run(Timestamp::from_millisecond(deadline)?).await?;
        Ok::<_, Error>(())
    }))
    .await
}

async fn start() -> Result<Reconcile<DynamoStore, Origins, Client>, Error> {
    let bookings = Bookings::load(Config::from_env()?).await?;
    Ok(Reconcile::new(bookings, Clock::machine()))
}
