//! The function that does nothing: what the others are measured against.
//!
//! It has the same runtime in the same flavour, so what is above its figures is ours.

use lambda_http::{Body, Error, Request, Response, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer = |_: Request| async { Ok::<_, Error>(Response::new(Body::Empty)) };
    run_concurrent(service_fn(answer)).await
}
