//! GET /availability and GET /services.

use availability::Availability;
use lambda_http::Error;
use openchair::aws;
use openchair::busy::BusyReader;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::runtime::run_http;
use openchair::store::DynamoStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_http(start, |function, request| async move { function.handle(request).await }).await
}

/// Makes the function, with its first snapshot.
async fn start() -> Result<Availability<DynamoStore, Origins>, Error> {
    let config = Config::from_env()?;
    let origins = Origins::load(&config).await?;
    let store = DynamoStore::new(aws::dynamodb(&aws::sdk_config()), config.table_name);
    let reader = BusyReader::new(store, origins, Clock::machine());
    let function = Availability::new(config.salon, reader);
    function.warm_up().await;
    Ok(function)
}
