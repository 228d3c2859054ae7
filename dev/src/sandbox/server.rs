//! Serving a sandbox on a socket.

use std::io;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Sandbox, SandboxOptions};

/// A sandbox that listens; dropping it closes the socket.
#[derive(Debug)]
pub struct Serving {
    sandbox: Sandbox,
    url: String,
    server: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Makes a sandbox and serves it on `listener`, in the background.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(mut options: SandboxOptions, listener: TcpListener) -> io::Result<Serving> {
        let url = format!("http://{}", listener.local_addr()?);
        options.public_url.get_or_insert_with(|| url.clone());
        let sandbox = Self::new(options);
        let router = sandbox.router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Serving { sandbox, url, server })
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
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.abort();
    }
}
