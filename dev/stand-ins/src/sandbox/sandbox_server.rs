//! Serves a sandbox on a socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::webhooks::WebhookSender;
use super::{Sandbox, SandboxOptions};

/// How often a served sandbox checks its timers.
const TICK: Duration = Duration::from_millis(250);

/// A running sandbox, which sends webhooks. Dropping it stops it.
#[derive(Debug)]
pub struct Serving {
    sandbox: Sandbox,
    url: String,
    tasks: JoinSet<io::Result<()>>,
}

impl Sandbox {
    /// Serves a new sandbox on `listener` in the background.
    ///
    /// # Errors
    /// Fails if the listener has no address, or the HTTP client cannot be built.
    pub fn start(mut options: SandboxOptions, listener: TcpListener) -> io::Result<Serving> {
        let url = format!("http://{}", listener.local_addr()?);
        options.public_url.get_or_insert_with(|| url.clone());
        let mut tasks = JoinSet::new();
        let sandbox = match options.webhook.clone() {
            None => Self::new(options),
            Some(endpoint) => {
                let (sender, events) = mpsc::unbounded_channel();
                let sandbox = Self::with_listener(options, Some(sender));
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
    /// Returns the base URL of the API, without `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the sandbox itself, for control without HTTP.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Stops the sandbox. Its port is free when this returns.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits until a part stops unexpectedly.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}
