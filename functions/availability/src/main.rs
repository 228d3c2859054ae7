//! GET /availability and GET /services.

use std::sync::Arc;

use availability::Availability;
use lambda_http::{Error, Request, run_concurrent, service_fn};
use openchair::busy::BusyReader;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::http::AsIs;
use openchair::store::DynamoStore;
use openchair::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let start = start().await;
    let function =
        Arc::new(start.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?);
    run_concurrent(service_fn(move |request: Request| {
        let function = Arc::clone(&function);
        async move { Ok::<_, Error>(AsIs(function.handle(request).await)) }
    }))
    .await
}

/// Makes the function, with its first snapshot taken.
async fn start() -> Result<Availability<DynamoStore, Origins>, Error> {
    let config = Config::from_env()?;
    let origins = Origins::load(&config).await?;
    let store = DynamoStore::new(aws::dynamodb(&aws::sdk_config()), config.table_name);
    let reader = BusyReader::new(store, origins, Clock::machine());
    let function = Availability::new(config.salon, reader);
    function.warm_up().await;
    Ok(function)
}
