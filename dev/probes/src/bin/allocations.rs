//! Counts what a function allocates inside `handle`: `allocations TARGET`, with
//! API Gateway's events on standard input, one a line. It prints a line for
//! each: the status that was answered, and how many allocations that took.
//!
//! What the connections to the table and to Stripe do meanwhile is in it: they
//! run on the function's one thread.

use std::io::BufRead;

use lambda_http::{Error, request};
use probes::Function;

fn main() -> Result<(), Error> {
    let target = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let function = runtime.block_on(Function::start(&target))?;
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
