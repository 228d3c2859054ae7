//! `cargo dev serve`: runs the functions and everything they need on this machine.
//!
//! | module | contents |
//! |---|---|
//! | `serve_options` | the command line |
//! | `workspace` | the functions of the workspace and their routes |
//! | `salon_source`, `payment_provider`, `calendar_option` | choose the salon file, the payment provider and the calendars |
//! | `ports`, `data_folder` | claim the ports and the data folder before anything starts |
//! | `embedded_dynamodb` | the embedded `DynamoDB` |
//! | `table_stream` | delivers the table's stream to `notify` |
//! | `environment` | the functions' environment variables |
//! | `child_processes` | starts the child processes: the build and `cargo lambda watch` |
//! | `process_tree` | ends all child processes |
//! | `load_target` | the functions with a minimal environment, for load tests |
//! | `addresses` | prints the table of addresses |

mod addresses;
mod calendar_option;
mod child_processes;
mod data_folder;
mod embedded_dynamodb;
mod environment;
mod load_target;
mod payment_provider;
mod ports;
mod process_tree;
mod salon_source;
mod serve_error;
mod serve_options;
mod table_stream;
mod workspace;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use salon::Salon;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

pub use calendar_option::CalendarSource;
use child_processes::{Functions, Output};
pub use embedded_dynamodb::{Database, local_client};
pub use load_target::{LOAD_CLIENT_ADDRESS_SECRET, LoadTarget};
use payment_provider::PaymentProvider;
pub use payment_provider::SANDBOX_KEY;
use ports::Ports;
pub use process_tree::{adopt_orphans, die_with_parent, end_descendants};
pub use serve_error::Error;
pub(crate) use serve_error::could_not;
pub use serve_options::Options;
use stand_ins::fake_google::{FakeGoogle, GoogleOptions};
use stand_ins::mailbox::Mailbox;
use stand_ins::sandbox::{Sandbox, SandboxOptions, Serving, WebhookEndpoint};
use table_stream::TableStream;
pub use workspace::Workspace;

/// Runs the functions until Ctrl-C, then ends every process that it started.
///
/// # Errors
/// Fails if something is missing or busy, does not build or start, or stops on its own.
/// The error says what to do.
pub async fn run(options: Options) -> Result<(), Error> {
    process_tree::adopt_orphans();
    let stopped = stop_requested().map_err(Error::Signals)?;
    let outcome = tokio::select! {
        failed = serve(&options) => failed.map(|never| match never {}),
        () = stopped => Ok(()),
    };
    process_tree::end_descendants().await;
    outcome
}

/// Loads the given salon file, or else the one that a running `cargo dev` serves, or else
/// the default.
///
/// # Errors
/// Fails if the file is missing or invalid.
pub async fn load_salon(named: Option<&Path>, is_running: bool) -> Result<Salon, Error> {
    let workspace = Workspace::load().await?;
    let served = data_folder::recorded_salon(&workspace.target.join("dev")).filter(|_| is_running);
    salon_source::load(named.or(served.as_deref()), &workspace.root)
}

/// Returns a command for the cargo that runs this program.
#[must_use]
pub fn cargo_command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Finds or installs cargo-lambda.
async fn cargo_lambda(workspace: &Workspace) -> Result<PathBuf, Error> {
    let tools = workspace.target.join("tools");
    let found = tokio::task::spawn_blocking(move || launcher::cargo_lambda(&tools)).await;
    found.map_err(could_not("look for cargo-lambda"))?.map_err(Error::Problem)
}

/// Returns a client that bypasses any proxy, which could not reach this machine.
fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder().no_proxy().build().map_err(could_not("set up an HTTP client"))
}

/// Returns a future that resolves on SIGINT, SIGTERM or SIGHUP.
///
/// # Errors
/// Fails if a signal handler cannot be installed.
pub fn stop_requested() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hangup.recv() => (),
        }
    })
}

async fn serve(options: &Options) -> Result<Infallible, Error> {
    let workspace = Workspace::load().await?;
    let salon = salon_source::choose(options.salon.as_deref(), &workspace.root)?;
    let payments = PaymentProvider::choose(options)?;
    let ports = Ports::claim(options, payments).await?;
    let data = data_folder::open(&workspace.target.join("dev"), options.fresh)?;
    let (dynamodb, database) = embedded_dynamodb::start(ports.dynamodb, &data.database).await?;
    // The table's bookings name its sessions, so they are kept together.
    let mut sandbox = match ports.sandbox {
        Some(listener) => {
            Some(start_sandbox(listener, options, Some(data.folder.join(data_folder::LEDGER)))?)
        }
        None => None,
    };

    let google = FakeGoogle::start(GoogleOptions::default(), ports.google)
        .map_err(could_not("start the fake Google"))?;
    let _mailbox = Mailbox::in_folder(data.folder.join(data_folder::MAILS))
        .and_then(|mailbox| mailbox.start(ports.mail))
        .map_err(could_not("start the mailbox"))?;
    let (cargo_lambda, ()) = tokio::try_join!(
        cargo_lambda(&workspace),
        child_processes::build(&workspace, &[], options.release),
    )?;
    let calendar = match &options.calendar {
        Some(source) => {
            Some(calendar_option::prepare(source, &google, salon.as_deref(), &data.folder).await?)
        }
        None => None,
    };
    let salon = calendar.as_ref().map(|calendar| calendar.salon.clone()).or(salon);
    data.record_salon(salon.as_deref())?;
    let mut environment = environment::of_functions(options, payments, salon.as_deref());
    calendar_option::set_variables(&mut environment, calendar.as_ref(), &google);
    drop(ports.api);
    let mut functions =
        Functions::start(&cargo_lambda, &workspace, options, &environment, Output::Terminal)?;
    functions.warm(&workspace, options).await?;
    let stream =
        TableStream::new(database, options, data.folder.join(data_folder::STREAM_POSITION))?;

    let mut rows = addresses::rows(options, &workspace, payments, salon.as_deref(), &data.folder);
    rows.extend(calendar.map(|calendar| ("calendar".to_owned(), calendar.shown)));
    addresses::print(&rows);
    println!("ready");

    tokio::select! {
        error = functions.until_stopped() => Err(error),
        result = Functions::reconcile(options) => result,
        result = stream.follow() => result,
        _ = dynamodb => Err(Error::Stopped("the embedded DynamoDB")),
        () = sandbox_stopped(&mut sandbox) => Err(Error::Stopped("the payment sandbox")),
    }
}

fn start_sandbox(
    listener: TcpListener,
    options: &Options,
    ledger: Option<PathBuf>,
) -> Result<Serving, Error> {
    const ADVICE: &str = "`cargo dev --fresh` starts with an empty table and an empty ledger";
    let sandbox = SandboxOptions {
        latency: Duration::from_millis(options.stripe_latency_ms),
        requests_per_second: options.stripe_rate,
        public_url: Some(options.sandbox_url()),
        webhook: Some(WebhookEndpoint::new(options.webhook_url())),
        webhooks: options.webhooks,
        refunds: options.refunds,
        debits: options.debits,
        ledger,
        ..SandboxOptions::default()
    };
    Sandbox::start(sandbox, listener)
        .map_err(could_not(format!("start the payment sandbox: {ADVICE}")))
}

/// Waits until the sandbox stops; forever if there is none.
async fn sandbox_stopped(sandbox: &mut Option<Serving>) {
    match sandbox {
        Some(sandbox) => sandbox.ended().await,
        None => std::future::pending().await,
    }
}
