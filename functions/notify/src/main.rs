//! Notifies people about bookings: fed by the table's stream, and by a schedule.

use lambda_runtime::Error;
use notify::Notify;
use openchair::aws;
use openchair::calendars::StaffCalendars;
use openchair::clock::Clock;
use openchair::config::Config;
use openchair::runtime::run_events;
use openchair::ses::Ses;
use openchair::store::DynamoStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_events(start, |function, event, deadline| async move {
        Ok(function.handle(event, deadline).await?)
    })
    .await
}

async fn start() -> Result<Notify<DynamoStore>, Error> {
    let config = Config::from_env()?;
    let calendars = StaffCalendars::load(&config).await?;
    let sdk = aws::sdk_config();
    let store = DynamoStore::new(aws::dynamodb(&sdk), config.table_name);
    Ok(Notify::new(config.salon, store, Ses::from_env(sdk), calendars, Clock::machine()))
}
