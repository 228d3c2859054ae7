//! POST /checkout.

use std::sync::Arc;

use checkout::Checkout;
use lambda_http::{Error, Request, run_concurrent, service_fn};
use shared::config::Config;
use shared::payments::{Client, RetryPolicy, SecretKey};
use shared::{secrets, telemetry};

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

/// Makes the function, with a connection to Stripe that is open already.
async fn start() -> Result<Checkout, Error> {
    let config = Config::from_env()?;
    let [key] = secrets::load(["STRIPE_SECRET_KEY"]).await?;
    let key = SecretKey::new(key)?;
    let stripe = Client::new(&key, config.stripe_api_base.parse()?, RetryPolicy::default());
    stripe.connect().await;
    Ok(Checkout::new(config.salon, stripe))
}
