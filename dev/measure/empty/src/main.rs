//! A function that does nothing, which the other functions are compared with.
//!
//! It has the same runtime as the others, so the difference is our own cost.

use lambda_http::{Body, Error, Request, Response, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer = |_: Request| async { Ok::<_, Error>(Response::new(Body::Empty)) };
    run_concurrent(service_fn(answer)).await
}
