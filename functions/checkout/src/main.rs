//! POST /checkout, GET /bookings/{id}, its calendar file, and POST /bookings/{id}/cancel.

use checkout::Checkout;
use lambda_http::Error;
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::runtime::run_http;
use openchair::store::DynamoStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_http(start, |function, request| async move { function.handle(request).await }).await
}

/// Makes the function, with an open connection to Stripe.
async fn start() -> Result<Checkout<DynamoStore, Origins>, Error> {
    let bookings = Box::pin(Bookings::load(Config::from_env()?)).await?;
    bookings.payments().connect().await;
    Ok(Checkout::new(bookings, Clock::machine()))
}
