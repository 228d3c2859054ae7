//! POST /stripe/webhook.

use std::sync::Arc;

use lambda_http::{Error, Request, run_concurrent, service_fn};
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::payments::webhook::WebhookSecrets;
use openchair::store::DynamoStore;
use openchair::{secrets, telemetry};
use webhook::Webhook;

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

/// Makes the function. Most events ask nothing of Stripe, so no connection is
/// opened yet.
async fn start() -> Result<Webhook<DynamoStore, Origins>, Error> {
    let (bookings, [secret]) =
        tokio::try_join!(Box::pin(Bookings::load(Config::from_env()?)), async {
            Ok(secrets::load(["STRIPE_WEBHOOK_SECRET"]).await?)
        })?;
    Ok(Webhook::new(bookings, WebhookSecrets::new(&secret)?, Clock::machine()))
}
