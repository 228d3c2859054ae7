//! Serves a stand-in on a socket.

use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A running stand-in. Dropping it stops it.
#[derive(Debug)]
pub struct Serving<T> {
    pub(crate) stand_in: T,
    pub(crate) tasks: JoinSet<io::Result<()>>,
    url: String,
}

impl<T> Serving<T> {
    /// Serves `router` on `listener` in the background.
    pub(crate) fn start(stand_in: T, router: Router, listener: TcpListener) -> io::Result<Self> {
        let url = url(&listener)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { stand_in, tasks, url })
    }

    /// Returns the base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the stand-in. Its port is free when this returns.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits until a part stops unexpectedly.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

pub(crate) fn url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
