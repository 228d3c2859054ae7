//! `cargo dev`: the functions and everything they need, on this machine.
//!
//! | module | what is in it |
//! |---|---|
//! | `options` | the command line |
//! | `workspace` | which functions there are, and their routes |
//! | `salon_source`, `payments`, `calendar` | what the functions are told: the salon, whom to pay, when people are busy |
//! | `ports`, `data` | what must be free before anything starts |
//! | `cargo_lambda` | the tool that runs functions: found or installed |
//! | `dynamodb` | the embedded `DynamoDB` |
//! | `stream` | the table's stream, brought to `notify` |
//! | `environment` | the functions' variables |
//! | `functions` | building, watching and warming them |
//! | `processes` | ending what was started |
//! | `rig` | the functions with only what they need, for a load test |
//! | `addresses` | the table that is printed at the end |

mod addresses;
mod calendar_option;
mod cargo_lambda;
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
use std::path::Path;
use std::time::Duration;

use salon::Salon;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

pub use calendar_option::CalendarSource;
use child_processes::{Functions, Output};
pub use embedded_dynamodb::{Database, local_client};
use environment::Environment;
pub use load_target::LoadTarget;
use payment_provider::PaymentProvider;
pub use payment_provider::SANDBOX_KEY;
use ports::Ports;
pub use process_tree::{adopt_orphans, die_with_parent, end_descendants};
pub use serve_error::Error;
pub use serve_options::Options;
use stand_ins::fake_google::{FakeGoogle, GoogleOptions};
use stand_ins::mailbox::{self, Mailbox};
use stand_ins::sandbox::{Sandbox, SandboxOptions, Serving, WebhookEndpoint};
use table_stream::TableStream;
pub use workspace::Workspace;
use workspace::cargo;

/// Runs the functions until the developer ends it, and then ends every process it started.
///
/// # Errors
///
/// Fails if something is missing, busy, or does not build or start, or if a
/// part ends by itself. The error says what to do.
pub async fn run(options: Options) -> Result<(), Error> {
    process_tree::adopt_orphans();
    let stopped = stop_requested().map_err(Error::Signals)?;
    let outcome = tokio::select! {
        ended = serve(&options) => ended.map(|never| match never {}),
        () = stopped => Ok(()),
    };
    process_tree::end_descendants().await;
    outcome
}

/// Loads the salon that was named, or else the one that a running `cargo dev`
/// serves, or the one that it would serve.
///
/// # Errors
///
/// Fails if the file is missing or is not a salon.
pub async fn load_salon(named: Option<&Path>, is_running: bool) -> Result<Salon, Error> {
    let workspace = Workspace::load().await?;
    let served = data_folder::noted_salon(&workspace.target.join("dev")).filter(|_| is_running);
    salon_source::load(named.or(served.as_deref()), &workspace.root)
}

/// Starts to describe a call of the cargo that runs this program.
pub fn cargo_command() -> Command {
    let mut command = Command::new(cargo());
    Environment::of_cargo().apply(&mut command);
    command
}

/// Resolves at Ctrl-C, at a polite kill, and when the terminal is closed.
///
/// The handlers are in place when this returns, before anything is started.
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
    let ports = Ports::claim(options, payments)?;
    let data = data_folder::open(&workspace.target.join("dev"), options.fresh)?;
    let cargo_lambda = cargo_lambda::find_or_install(&workspace.target.join("tools")).await?;

    let (dynamodb, database) = embedded_dynamodb::start(ports.dynamodb, &data.database).await?;
    let mut sandbox = match ports.sandbox {
        Some(listener) => Some(start_sandbox(listener, options)?),
        None => None,
    };

    let google = TcpListener::from_std(ports.google)
        .and_then(|listener| FakeGoogle::start(GoogleOptions::default(), listener))
        .map_err(Error::Listener)?;

    let _mailbox = start_mailbox(ports.mail, &data.folder.join(data_folder::MAILS))?;

    child_processes::build(&workspace, &[], options.release).await?;
    let calendar = match &options.calendar {
        Some(source) => {
            Some(calendar_option::give(source, &google, salon.as_deref(), &data.folder).await?)
        }
        None => None,
    };
    let salon = calendar.as_ref().map(|calendar| calendar.salon.clone()).or(salon);
    data.note_salon(salon.as_deref())?;
    let mut environment = environment::of_functions(options, payments, salon.as_deref());
    calendar_option::tell(&mut environment, calendar.as_ref(), &google);
    drop(ports.api);
    let mut functions =
        Functions::start(&cargo_lambda, &workspace, options, &environment, Output::Shown)?;
    functions.warm(&workspace, options).await?;
    let stream =
        TableStream::new(database, options, data.folder.join(data_folder::STREAM_POSITION))?;

    addresses::print(options, &workspace, payments, salon.as_deref(), calendar.as_ref(), &data);
    println!("ready");

    tokio::select! {
        ended = functions.until_ended() => Err(ended),
        ended = Functions::reconcile(options) => ended,
        ended = stream.follow() => ended,
        _ = dynamodb => Err(Error::Ended("the embedded DynamoDB")),
        () = ended(&mut sandbox) => Err(Error::Ended("the payment sandbox")),
    }
}

fn start_mailbox(
    listener: std::net::TcpListener,
    folder: &Path,
) -> Result<mailbox::Serving, Error> {
    let failed = |source| Error::Data { path: folder.to_owned(), source };
    let listener = TcpListener::from_std(listener).map_err(Error::Listener)?;
    Mailbox::in_folder(folder.to_owned()).map_err(failed)?.start(listener).map_err(Error::Listener)
}

fn start_sandbox(listener: std::net::TcpListener, options: &Options) -> Result<Serving, Error> {
    let listener = TcpListener::from_std(listener).map_err(Error::Listener)?;
    let sandbox = SandboxOptions {
        latency: Duration::from_millis(options.stripe_latency_ms),
        requests_per_second: options.stripe_rate,
        public_url: Some(options.sandbox_url()),
        webhook: Some(WebhookEndpoint::new(options.webhook_url())),
        webhooks: options.webhooks,
        refunds: options.refunds,
        debits: options.debits,
        ..SandboxOptions::default()
    };
    Sandbox::start(sandbox, listener).map_err(Error::Sandbox)
}

/// Waits until the sandbox ends: for ever, if there is none.
async fn ended(sandbox: &mut Option<Serving>) {
    match sandbox {
        Some(sandbox) => sandbox.ended().await,
        None => std::future::pending().await,
    }
}
