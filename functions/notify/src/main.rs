//! Tells of bookings: fed by the table's stream, and by a schedule.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use notify::{Event, Notify};
use openchair::calendars::StaffCalendars;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::ses::Ses;
use openchair::store::DynamoStore;
use openchair::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let start = Box::pin(start()).await;
    let function = start.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    let function = Arc::new(function);
    run_concurrent(service_fn(move |event: LambdaEvent<Event>| {
        let function = Arc::clone(&function);
        async move {
            let deadline = i64::try_from(event.context.deadline)?;
            let deadline = Timestamp::from_millisecond(deadline)?;
            Ok::<_, Error>(function.handle(event.payload, deadline).await?)
        }
    }))
    .await
}

async fn start() -> Result<Notify<DynamoStore>, Error> {
    let config = Config::from_env()?;
    let entries = StaffCalendars::load(&config).await?;
    let sdk = aws::sdk_config();
    let store = DynamoStore::new(aws::dynamodb(&sdk), config.table_name);
    Ok(Notify::new(config.salon, store, Ses::from_env(sdk), entries, Clock::machine()))
}
