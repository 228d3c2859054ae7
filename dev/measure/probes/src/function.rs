//! The functions, started as their own programs start them.

use availability::Availability;
use checkout::Checkout;
use lambda_http::{Body, Error, Request, Response};
use openchair::aws;
use openchair::bookings::Bookings;
use openchair::busy::BusyReader;
use openchair::calendars::Origins;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::payments::webhook::WebhookSecrets;
use openchair::secrets;
use openchair::store::DynamoStore;
use webhook::Webhook;

/// A deployed function.
#[derive(Debug)]
pub(crate) enum Function {
    Availability(Box<Availability<DynamoStore, Origins>>),
    Checkout(Box<Checkout<DynamoStore, Origins>>),
    Webhook(Box<Webhook<DynamoStore, Origins>>),
}

impl Function {
    /// Starts the function of a bench target, configured from the environment.
    pub(crate) async fn start(target: &str) -> Result<Self, Error> {
        let config = Config::from_env()?;
        Ok(match target {
            "availability" => {
                let origins = Origins::load(&config).await?;
                let store = DynamoStore::new(aws::dynamodb(&aws::sdk_config()), config.table_name);
                let busy = BusyReader::new(store, origins, Clock::machine());
                let function = Availability::new(config.salon, busy);
                function.warm_up().await;
                Self::Availability(Box::new(function))
            }
            "checkout" => {
                let bookings = Box::pin(Bookings::load(config)).await?;
                bookings.payments().connect().await;
                Self::Checkout(Box::new(Checkout::new(bookings, Clock::machine())))
            }
            "webhook" => {
                let bookings = Box::pin(Bookings::load(config)).await?;
                let [secret] = secrets::load(["STRIPE_WEBHOOK_SECRET"]).await?;
                let secrets = WebhookSecrets::new(&secret)?;
                Self::Webhook(Box::new(Webhook::new(bookings, secrets, Clock::machine())))
            }
            other => return Err(format!("unknown target \"{other}\"").into()),
        })
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        match self {
            Self::Availability(function) => function.handle(request).await,
            Self::Checkout(function) => Box::pin(function.handle(request)).await,
            Self::Webhook(function) => Box::pin(function.handle(request)).await,
        }
    }
}
