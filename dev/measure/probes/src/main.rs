//! Measures what `cargo dev bench` cannot measure from outside a function.
//!
//! `probes TARGET` counts the allocations inside `handle`. It reads API Gateway events from
//! standard input, one per line, and prints the status and the allocations of each. The
//! allocations of the connections to the table and to Stripe are included, as they run on
//! the same thread.
//!
//! Without a target it is `functions/availability` with a snapshot that is always too old,
//! and polls Lambda's Runtime API as that function does.

mod function;

use std::io::BufRead;
use std::sync::Arc;

use lambda_http::{Error, Request, request, run_concurrent, service_fn};
use openchair::telemetry;
use tokio::runtime::{Builder, Runtime};

use crate::function::Function;

fn main() -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match std::env::args().nth(1) {
        Some(target) => count_allocations(&runtime, &target),
        None => runtime.block_on(serve_without_snapshots()),
    }
}

fn count_allocations(runtime: &Runtime, target: &str) -> Result<(), Error> {
    let function = runtime.block_on(Function::start(target))?;
    for line in std::io::stdin().lock().lines() {
        let request = request::from_str(&line?)?;
        let mut status = 0;
        let counted = allocation_counter::measure(|| {
            status = runtime.block_on(function.handle(request)).status().as_u16();
        });
        println!("{status} {}", counted.count_total);
    }
    Ok(())
}

async fn serve_without_snapshots() -> Result<(), Error> {
    telemetry::init();
    let function = Arc::new(Function::start("availability-l2").await?);
    run_concurrent(service_fn(move |request: Request| {
        let function = Arc::clone(&function);
        async move { Ok::<_, Error>(function.handle(request).await) }
    }))
    .await
}
