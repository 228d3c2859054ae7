//! POST /stripe/webhook.

use std::sync::Arc;

use lambda_http::{Error, Request, run_concurrent, service_fn};
use shared::bookings::Bookings;
use shared::calendars::Origins;
use shared::clock::Clock;
use shared::config::Config;
use shared::payments::webhook::WebhookSecrets;
use shared::store::DynamoStore;
use shared::{secrets, telemetry};
use webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let function =
        start().await.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
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
    let (bookings, [secret]) = tokio::try_join!(Bookings::load(Config::from_env()?), async {
        Ok(secrets::load(["STRIPE_WEBHOOK_SECRET"]).await?)
    })?;
    Ok(Webhook::new(bookings, WebhookSecrets::new(&secret)?, Clock::machine()))
}
