//! Serving a sandbox on a socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::webhooks::WebhookSender;
use super::{Sandbox, SandboxOptions};

/// How often time passes in a sandbox that nobody calls.
const TICK: Duration = Duration::from_millis(250);

/// A sandbox that listens, lets time pass and sends webhooks; dropping it ends all that.
#[derive(Debug)]
pub struct Serving {
    sandbox: Sandbox,
    url: String,
    tasks: JoinSet<io::Result<()>>,
}

impl Sandbox {
    /// Makes a sandbox and serves it on `listener`, in the background.
    ///
    /// # Errors
    /// If the listener has no address, or there is no HTTP client to be had.
    pub fn start(mut options: SandboxOptions, listener: TcpListener) -> io::Result<Serving> {
        let url = format!("http://{}", listener.local_addr()?);
        options.public_url.get_or_insert_with(|| url.clone());
        let mut tasks = JoinSet::new();
        let sandbox = match options.webhook.clone() {
            None => Self::new(options),
            Some(endpoint) => {
                let (sender, events) = mpsc::unbounded_channel();
                let sandbox = Self::telling(options, Some(sender));
                let clock = sandbox.options.clock.clone();
                let sender = WebhookSender::new(endpoint, clock, sandbox.tally.clone());
                let sender = Arc::new(sender.map_err(io::Error::other)?);
                let its_sandbox = sandbox.clone();
                tasks.spawn(async move {
                    sender.run(its_sandbox, events).await;
                    Ok(())
                });
                sandbox
            }
        };
        let router = sandbox.router();
        tasks.spawn(async move { axum::serve(listener, router).await });
        let passing = sandbox.clone();
        tasks.spawn(async move {
            loop {
                passing.pass_time();
                tokio::time::sleep(TICK).await;
            }
        });
        Ok(Serving { sandbox, url, tasks })
    }
}

impl Serving {
    /// Returns the address that it listens on: Stripe's API base, without `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the sandbox itself, to drive it without HTTP.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Ends all of it; its port is free when this returns.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits until some part of it ends, which none should.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}
