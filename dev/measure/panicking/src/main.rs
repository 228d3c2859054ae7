//! A function that panics when it is asked to: what the tests of panics run.
//!
//! Nothing makes the deployed functions panic on request. This one is built by the same profile
//! and run by the same `run_http`.

use lambda_http::{Body, Error, Request, RequestExt, Response};
use openchair::runtime::run_http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_http(
        async || Ok(()),
        |_, request: Request| async move {
            match request.raw_http_path() {
                "/literal" => panic!("a literal message"),
                "/quoting" => panic!("{:?} is quoted", request.body()),
                _ => Response::new(Body::Empty),
            }
        },
    )
    .await
}
