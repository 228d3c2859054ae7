//! The functions with a minimal environment for load tests: an empty database in memory and
//! a payment sandbox.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::Client;
use openchair::http::client_address::CLIENT_ADDRESS_SECRET;
use openchair::store::{DynamoStore, table};
use salon::Salon;
use tokio::task::JoinHandle;

use super::child_processes::{self, Functions, Output};
use super::payment_provider::PaymentProvider;
use super::ports::Ports;
use super::serve_error::could_not;
use super::workspace::Workspace;
use super::{Error, Options, embedded_dynamodb, environment, process_tree, salon_source};
use stand_ins::sandbox::{Sandbox, Serving};

/// The secret beside which the functions trust the header with a client's address.
pub const LOAD_CLIENT_ADDRESS_SECRET: &str = "the-secret-of-the-load-test";
/// The file with the functions' output, in the target folder.
const LOG: &str = "load/functions.log";

/// The functions in release mode, ready to be started.
#[derive(Debug)]
pub struct LoadTarget {
    workspace: Workspace,
    cargo_lambda: PathBuf,
    log: PathBuf,
}

/// The running functions. They outlive a drop: see [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    functions: Functions,
    sandbox: Serving,
    client: Client,
    database: JoinHandle<Result<(), String>>,
}

impl LoadTarget {
    /// Finds or installs cargo-lambda, and builds the functions and the binaries in `others`.
    ///
    /// # Errors
    /// Fails if a tool is missing or a build fails.
    pub async fn build(others: &[&str]) -> Result<Self, Error> {
        let workspace = Workspace::load().await?;
        let cargo_lambda = super::cargo_lambda(&workspace).await?;
        child_processes::build(&workspace, others, true).await?;
        let log = workspace.target.join(LOG);
        // Missing on the first run.
        let _ = fs::remove_file(&log);
        Ok(Self { workspace, cargo_lambda, log })
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.workspace.root
    }

    #[must_use]
    pub fn tools(&self) -> PathBuf {
        self.workspace.target.join("tools")
    }

    #[must_use]
    pub fn program(&self, function: &str) -> PathBuf {
        self.workspace.target.join("release").join(function)
    }

    /// Returns the file with the functions' output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Writes a salon file to serve.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn keep_salon(&self, text: &str) -> Result<PathBuf, Error> {
        let path = self.log.with_file_name("salon.toml");
        let doing = || could_not(format!("write the salon file {}", path.display()));
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(doing())?;
        fs::write(&path, text).map_err(doing())?;
        Ok(path)
    }

    /// Starts the functions with an empty database. Does not wait until they respond.
    ///
    /// # Errors
    /// Fails if a port is in use, the salon file is invalid, or a part does not start.
    pub async fn start(&self, options: &Options) -> Result<(Running, Salon), Error> {
        let served = salon_source::choose(options.salon.as_deref(), &self.workspace.root)?;
        let salon = salon_source::load(options.salon.as_deref(), &self.workspace.root)?;
        let [api, database, sandbox] = Ports::claim_three(options).await?;
        let address = database.local_addr().map_err(could_not("listen on a port"))?;
        let (database, _) = embedded_dynamodb::start(database, Path::new(":memory:")).await?;
        let sandbox = super::start_sandbox(sandbox, options, None)?;
        let mut environment =
            environment::of_functions(options, PaymentProvider::Sandbox, served.as_deref());
        environment.insert(CLIENT_ADDRESS_SECRET, Some(LOAD_CLIENT_ADDRESS_SECRET.into()));
        let log = self.open_log()?;
        drop(api);
        let functions = Functions::start(
            &self.cargo_lambda,
            &self.workspace,
            options,
            &environment,
            Output::File(log),
        )?;
        let client = embedded_dynamodb::local_client(address.port());
        Ok((Running { functions, sandbox, client, database }, salon))
    }

    fn open_log(&self) -> Result<File, Error> {
        let doing = || could_not(format!("write {}", self.log.display()));
        fs::create_dir_all(self.log.parent().unwrap_or(&self.log)).map_err(doing())?;
        File::options().create(true).append(true).open(&self.log).map_err(doing())
    }
}

impl Running {
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.sandbox()
    }

    #[must_use]
    pub fn store(&self) -> DynamoStore {
        DynamoStore::new(self.client.clone(), table::DEFAULT_NAME.to_owned())
    }

    /// Waits until a part stops unexpectedly.
    pub async fn failed(&mut self) -> Error {
        tokio::select! {
            failed = self.functions.until_failed() => failed,
            () = self.sandbox.ended() => Error::Stopped("the payment sandbox"),
            _ = &mut self.database => Error::Stopped("the embedded DynamoDB"),
        }
    }

    /// Stops everything. The ports are free when this returns.
    pub async fn stop(self) {
        process_tree::end_descendants().await;
        self.sandbox.stop().await;
        self.database.abort();
        let _ = self.database.await;
    }
}
