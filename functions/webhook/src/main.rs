//! POST /stripe/webhook.

use lambda_http::Error;
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::payments::webhook::WebhookSecrets;
use openchair::runtime::run_http;
use openchair::secrets;
use openchair::store::DynamoStore;
use webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_http(start, |function, request| async move { function.handle(request).await }).await
}

/// Makes the function. Most events need no request to Stripe, so no connection is
/// opened yet.
async fn start() -> Result<Webhook<DynamoStore, Origins>, Error> {
    let (bookings, [secret]) =
        tokio::try_join!(Box::pin(Bookings::load(Config::from_env()?)), async {
            Ok(secrets::load(["STRIPE_WEBHOOK_SECRET"]).await?)
        })?;
    Ok(Webhook::new(bookings, WebhookSecrets::new(&secret)?, Clock::machine()))
}
