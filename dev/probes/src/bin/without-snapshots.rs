//! `functions/availability` in a container whose snapshot is always too old.

use std::sync::Arc;

use lambda_http::{Error, Request, run_concurrent, service_fn};
use probes::Function;
use shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let function = Arc::new(Function::start("availability-l2").await?);
    run_concurrent(service_fn(move |request: Request| {
        let function = Arc::clone(&function);
        async move { Ok::<_, Error>(function.handle(request).await) }
    }))
    .await
}
