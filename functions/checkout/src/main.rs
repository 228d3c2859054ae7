//! POST /checkout, GET /bookings/{id} and POST /bookings/{id}/cancel.

use std::sync::Arc;

use checkout::Checkout;
use lambda_http::{Error, Request, run_concurrent, service_fn};
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::store::DynamoStore;
use openchair::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let start = Box::pin(start()).await;
    let function = start.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    let function = Arc::new(function);
    run_concurrent(service_fn(move |request: Request| {
        let function = Arc::clone(&function);
        async move { Ok::<_, Error>(function.handle(request).await) }
    }))
    .await
}

/// Makes the function, with a connection to Stripe that is open already.
async fn start() -> Result<Checkout<DynamoStore, Origins>, Error> {
    let bookings = Box::pin(Bookings::load(Config::from_env()?)).await?;
    bookings.payments().connect().await;
    Ok(Checkout::new(bookings, Clock::machine()))
}
