use std::error::Error;
use std::sync::Arc;

use futures_util::try_join;

use super::Bookings;
use crate::busy::BusyReader;
use crate::calendars::Origins;
use crate::clock::Clock;
use crate::config::Config;
use crate::payments::{STRIPE_RETRIES, SecretKey, StripeClient};
use crate::random::Random;
use crate::store::DynamoStore;
use crate::{aws, secrets};

impl Bookings<DynamoStore, Origins, StripeClient> {
    /// Takes a salon's bookings in hand, as a function's environment says:
    /// `STRIPE_SECRET_KEY`, and where the calendars are.
    ///
    /// # Errors
    /// When a secret cannot be read, or the configuration does not fit it. The
    /// error names the variable.
    pub async fn load(config: Config) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let (origins, key) = try_join!(Origins::load(&config), async {
            Ok(secrets::load(["STRIPE_SECRET_KEY"]).await?)
        })?;
        let [key] = key;
        let base = config.stripe_api_base.parse()?;
        let stripe = StripeClient::new(&SecretKey::new(key)?, base, STRIPE_RETRIES);
        let store = DynamoStore::new(aws::dynamodb(&aws::sdk_config()), config.table_name);
        let reader = BusyReader::new(store, origins, Clock::machine());
        Ok(Self::new(Arc::new(config.salon), reader, stripe, Random::system()))
    }
}
