//! GET /availability and GET /services.

use std::sync::Arc;

use availability::Availability;
use aws_sdk_dynamodb::Client;
use lambda_http::{Error, Request, run_concurrent, service_fn};
use shared::busy::{BusyReader, NoCalendars};
use shared::clock::Clock;
use shared::config::Config;
use shared::store::DynamoStore;
use shared::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let config = Config::from_env().inspect_err(|error| telemetry::log_start_failure(error))?;
    let store = DynamoStore::new(Client::new(&aws::sdk_config().await), config.table_name);
    let reader = BusyReader::new(store, NoCalendars, Clock::machine());
    let function = Arc::new(Availability::new(config.salon, reader));
    function.warm_up().await;
    run_concurrent(service_fn(move |request: Request| {
        let function = Arc::clone(&function);
        async move { Ok::<_, Error>(function.handle(request).await) }
    }))
    .await
}
