//! The embedded `DynamoDB`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use aws_sdk_dynamodb::Client;
use openchair::aws;
use openchair::store::table;
use stand_ins::dynamodb_table;
use tokio::task::JoinHandle;

use super::Error;
use super::data_folder::{self, Data};
use super::workspace::Workspace;

/// Serves the database on `listener`, and creates the table if it is missing.
pub(super) async fn start(
    listener: TcpListener,
    database: &Path,
) -> Result<(JoinHandle<Result<(), String>>, dynoxide::Database), Error> {
    let db = dynoxide::Database::new(&database.to_string_lossy())
        .map_err(|source| Error::Database { path: database.to_owned(), source })?;
    let address = listener.local_addr().map_err(Error::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Listener)?;
    let serving =
        dynoxide::server::serve_with_shutdown(listener, db.clone(), std::future::pending());
    let server = tokio::spawn(serving);
    dynamodb_table::create(&client(address), table::DEFAULT_NAME).await.map_err(Error::Table)?;
    Ok((server, db))
}

/// The database of the last `cargo dev`, opened while none runs.
pub struct Database {
    address: SocketAddr,
    _server: JoinHandle<Result<(), String>>,
    _data: Data,
}

impl Database {
    /// Opens the database of the last `cargo dev`.
    ///
    /// # Errors
    ///
    /// Fails if it is in use or cannot be opened.
    pub async fn open() -> Result<Self, Error> {
        let workspace = Workspace::load().await?;
        let data = data_folder::open(&workspace.target.join("dev"), false)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Listener)?;
        listener.set_nonblocking(true).map_err(Error::Listener)?;
        let address = listener.local_addr().map_err(Error::Listener)?;
        let (server, _) = start(listener, &data.database).await?;
        Ok(Self { address, _server: server, _data: data })
    }

    /// Returns a client of this database.
    pub fn client(&self) -> Client {
        client(self.address)
    }
}

/// Returns a client of a running `cargo dev`'s database.
pub fn local_client(port: u16) -> Client {
    client((Ipv4Addr::LOCALHOST, port).into())
}

fn client(address: SocketAddr) -> Client {
    aws::dynamodb_at(&format!("http://{address}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};

    use super::*;

    async fn started() -> (Client, JoinHandle<Result<(), String>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (server, _) = start(listener, Path::new(":memory:")).await.unwrap();
        (client(address), server)
    }

    #[tokio::test]
    async fn the_table_accepts_items_and_has_a_ttl() {
        let (client, _server) = started().await;
        client
            .put_item()
            .table_name(table::DEFAULT_NAME)
            .item(table::PARTITION_KEY, AttributeValue::S("STAFF#s1".into()))
            .item(table::SORT_KEY, AttributeValue::S("DAY#2026-11-24".into()))
            .send()
            .await
            .expect("an item with both keys should be accepted");
        let ttl =
            client.describe_time_to_live().table_name(table::DEFAULT_NAME).send().await.unwrap();
        let ttl = ttl.time_to_live_description().unwrap();
        assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
        assert_eq!(ttl.attribute_name(), Some(table::TTL_ATTRIBUTE));
    }

    #[tokio::test]
    async fn creating_an_existing_table_succeeds() {
        let (client, _server) = started().await;
        dynamodb_table::create(&client, table::DEFAULT_NAME)
            .await
            .expect("a table that exists should be fine");
    }
}
