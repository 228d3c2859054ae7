//! The embedded `DynamoDB`.

use std::net::Ipv4Addr;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use openchair::aws;
use openchair::store::table;
use stand_ins::dynamodb_table;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Error;
use super::data_folder::{self, Data};
use super::serve_error::could_not;
use super::workspace::Workspace;

type Server = JoinHandle<Result<(), String>>;

/// Serves the database on `listener`, and creates the table if it is missing.
pub(super) async fn start(
    listener: TcpListener,
    database: &Path,
) -> Result<(Server, dynoxide::Database), Error> {
    const ADVICE: &str = "`cargo dev --fresh` creates an empty one";
    let path = database.to_string_lossy();
    let db = dynoxide::Database::new(&path)
        .map_err(could_not(format!("open the database {path}: {ADVICE}")))?;
    let address = listener.local_addr().map_err(could_not("listen on a port"))?;
    let serving =
        dynoxide::server::serve_with_shutdown(listener, db.clone(), std::future::pending());
    let server = tokio::spawn(serving);
    dynamodb_table::create(&local_client(address.port()), table::DEFAULT_NAME)
        .await
        .map_err(could_not(format!("create the table in the embedded DynamoDB: {ADVICE}")))?;
    Ok((server, db))
}

/// The database of the last `cargo dev`, opened while none runs.
pub struct Database {
    port: u16,
    _server: Server,
    _data: Data,
}

impl Database {
    /// Opens the database of the last `cargo dev`.
    ///
    /// # Errors
    /// Fails if it is in use or cannot be opened.
    pub async fn open() -> Result<Self, Error> {
        let workspace = Workspace::load().await?;
        let data = data_folder::open(&workspace.target.join("dev"), false)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(could_not("listen on a port"))?;
        let port = listener.local_addr().map_err(could_not("listen on a port"))?.port();
        let (server, _) = start(listener, &data.database).await?;
        Ok(Self { port, _server: server, _data: data })
    }

    /// Returns a client of this database.
    #[must_use]
    pub fn client(&self) -> Client {
        local_client(self.port)
    }
}

/// Returns a client of a running `cargo dev`'s database.
#[must_use]
pub fn local_client(port: u16) -> Client {
    aws::dynamodb_at(&format!("http://127.0.0.1:{port}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};

    use super::*;

    async fn started() -> (Client, Server) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, _) = start(listener, Path::new(":memory:")).await.unwrap();
        (local_client(address.port()), server)
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
