//! Serves a fake Google on a socket.

use std::io;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{FakeGoogle, GoogleOptions, service_account};

/// A running fake Google. Dropping it closes the socket.
#[derive(Debug)]
pub struct Serving {
    google: FakeGoogle,
    url: String,
    server: JoinHandle<io::Result<()>>,
}

impl FakeGoogle {
    /// Serves a new fake Google on `listener` in the background.
    ///
    /// # Errors
    /// Fails if the listener has no address.
    pub fn start(options: GoogleOptions, listener: TcpListener) -> io::Result<Serving> {
        let url = format!("http://{}", listener.local_addr()?);
        let google = Self::new(options);
        let router = google.router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Serving { google, url, server })
    }
}

impl Serving {
    /// Returns the base URL of the API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the key file of its service account.
    #[must_use]
    pub fn service_account(&self) -> Value {
        service_account(&format!("{}/token", self.url))
    }

    /// Returns the fake itself, for control without HTTP.
    #[must_use]
    pub fn google(&self) -> &FakeGoogle {
        &self.google
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.abort();
    }
}
