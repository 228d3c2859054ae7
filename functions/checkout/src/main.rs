//! POST /checkout, GET /bookings/{id}, its calendar file, and POST /bookings/{id}/cancel.

use checkout::Checkout;
use lambda_http::Error;
use openchair::bookings::Bookings;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::http::client_address::{CLIENT_ADDRESS_SECRET, ClientAddresses};
use openchair::runtime::run_http;
use openchair::secrets;
use openchair::store::DynamoStore;
use tokio::try_join;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_http(start, |function, request| async move { function.handle(request).await }).await
}

/// Makes the function, with an open connection to Stripe.
async fn start() -> Result<Checkout<DynamoStore, Origins>, Error> {
    let (bookings, secret) = try_join!(Box::pin(Bookings::load(Config::from_env()?)), async {
        Ok(secrets::load_optional(CLIENT_ADDRESS_SECRET).await?)
    })?;
    bookings.payments().connect().await;
    let addresses = ClientAddresses::new(secret)?;
    Ok(Checkout::new(bookings, Clock::machine()).with_addresses(addresses))
}
