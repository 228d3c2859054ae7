//! Measures what `cargo dev bench` cannot measure from outside a function.
//!
//! `probes TARGET` counts the allocations inside `handle`. It reads API Gateway events from
//! standard input, one per line, and prints the status and the allocations of each. The
//! allocations of the connections to the table and to Stripe are included, as they run on
//! the same thread.

mod function;

use std::io::BufRead;

use lambda_http::{Error, request};
use tokio::runtime::Builder;

use crate::function::Function;

fn main() -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let target = std::env::args().nth(1).ok_or("usage: probes TARGET")?;
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
