//! Building the functions, running them, and waiting until they answer.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::environment::Environment;
use super::workspace::Workspace;
use super::{Error, Options, process_tree};

/// How long a function that is built may take to answer its first request.
const WARM_UP_DEADLINE: Duration = Duration::from_secs(30);
/// How often `reconcile` runs, as in `template.yaml`.
const SCHEDULE: Duration = Duration::from_mins(2);
/// What cargo-lambda logs when a function's process ends by itself with an error.
const STOPPED: [&str; 4] =
    ["command exited", "command killed", "command stopped", "command ended by exception"];
/// How cargo-lambda marks a function that it ended itself, to start it again.
const RESTARTED: &str = "ForceStop";
/// What cargo says, several times, when a saved file has all functions built at once.
const WAITING: &str = "waiting for file lock";

/// The functions behind cargo-lambda's server.
#[derive(Debug)]
pub(super) struct Functions {
    server: Child,
    /// Told each time that a function's process ends with an error.
    stopped: Arc<Notify>,
    /// Copies the output until this is dropped: how processes end is not worth reading.
    _output: JoinSet<()>,
}

/// Where the functions' output goes.
#[derive(Debug)]
pub(super) enum Output {
    /// To the terminal, line by line.
    Shown,
    /// Into a file.
    Kept(File),
}

/// Builds every function, and the binaries in `others`, showing cargo's own progress.
///
/// # Errors
///
/// Fails if one does not build.
pub(super) async fn build(
    workspace: &Workspace,
    others: &[&str],
    release: bool,
) -> Result<(), Error> {
    // No `-p`: cargo-lambda's `cargo run --bin` selects the whole workspace, and
    // another selection has other features and would build everything twice.
    let mut command = super::cargo_command();
    command.arg("build").current_dir(&workspace.root);
    for binary in workspace.functions.iter().map(String::as_str).chain(others.iter().copied()) {
        command.args(["--bin", binary]);
    }
    if release {
        command.arg("--release");
    }
    let status =
        command.stdin(Stdio::null()).status().await.map_err(spawn_failed("cargo build"))?;
    if status.success() { Ok(()) } else { Err(Error::Build) }
}

impl Functions {
    /// Starts cargo-lambda's server, which starts each function at its first request.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be started.
    pub(super) fn start(
        cargo_lambda: &Path,
        workspace: &Workspace,
        options: &Options,
        environment: &Environment,
        output: Output,
    ) -> Result<Self, Error> {
        let mut command = Command::new(cargo_lambda);
        // They write into a pipe and cannot see whether a terminal is behind it.
        if matches!(output, Output::Shown) && io::stdout().is_terminal() {
            command.args(["lambda", "watch", "--color", "always"]);
        } else {
            command.args(["lambda", "watch", "--color", "never"]).env("NO_COLOR", "1");
        }
        command
            .args(["--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &options.api_port.to_string()])
            .args(["--concurrency", &options.concurrency.to_string()])
            .current_dir(&workspace.root)
            .stdin(Stdio::null());
        if options.release {
            command.arg("--release");
        }
        environment.apply(&mut command);
        if std::env::var_os("RUST_LOG").is_none() {
            // watchexec reports every restart as an error of its own.
            command.env("RUST_LOG", "error,watchexec=off");
        }
        // Its own group, or a Ctrl-C in the terminal would reach it before this process.
        command.process_group(0);
        process_tree::die_with_parent(&mut command);

        // One pipe for both streams keeps the lines in the order they were written.
        let (reader, writer) = io::pipe().map_err(spawn_failed("cargo lambda watch"))?;
        let second = writer.try_clone().map_err(spawn_failed("cargo lambda watch"))?;
        let lines = pipe::Receiver::from_owned_fd(reader.into())
            .map_err(spawn_failed("cargo lambda watch"))?;
        let server = command
            .stdout(writer)
            .stderr(second)
            .spawn()
            .map_err(spawn_failed("cargo lambda watch"))?;
        // It holds the writing end, without which the pipe never ends.
        drop(command);

        let stopped = Arc::new(Notify::new());
        let mut output_task = JoinSet::new();
        output_task.spawn(forward(lines, output, Arc::clone(&stopped)));
        Ok(Self { server, stopped, _output: output_task })
    }

    /// Sends each function that has a plain path one GET, and waits for the answers.
    ///
    /// A GET has no effect: the functions that take no GET answer 405, and that is an answer.
    ///
    /// # Errors
    ///
    /// Fails if a function or the server stops, or if an answer takes too long.
    pub(super) async fn warm(
        &mut self,
        workspace: &Workspace,
        options: &Options,
    ) -> Result<(), Error> {
        let client = reqwest::Client::builder().no_proxy().build().map_err(Error::Client)?;
        for function in &workspace.functions {
            let Some(path) = workspace.plain_path(function) else {
                continue;
            };
            let url = format!("{}{path}", options.api_url());
            tokio::select! {
                () = answered(&client, &url) => {}
                () = self.stopped.notified() => {
                    return Err(Error::FunctionStopped(function.clone()));
                }
                status = self.server.wait() => return Err(server_ended(status)),
                () = tokio::time::sleep(WARM_UP_DEADLINE) => {
                    return Err(Error::FunctionSilent {
                        function: function.clone(),
                        path: path.to_owned(),
                        seconds: WARM_UP_DEADLINE.as_secs(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Runs `reconcile` as often as the deployed schedule does, for as long as this is polled.
    ///
    /// # Errors
    ///
    /// Fails if there is no client to ask with. A run that fails reports itself.
    pub(super) async fn reconcile(options: &Options) -> Result<Infallible, Error> {
        let client = reqwest::Client::builder().no_proxy().build().map_err(Error::Client)?;
        let url = options.reconcile_url();
        loop {
            tokio::time::sleep(SCHEDULE).await;
            if let Err(error) = client.post(&url).body("{}").send().await {
                println!("reconcile could not be run: {error}");
            }
        }
    }

    /// Waits until the server or one of the functions ends.
    pub(super) async fn until_failed(&mut self) -> Error {
        tokio::select! {
            status = self.server.wait() => server_ended(status),
            () = self.stopped.notified() => Error::Ended("a function"),
        }
    }

    /// Waits until the server ends, and says after each failure how to go on.
    pub(super) async fn until_ended(&mut self) -> Error {
        loop {
            tokio::select! {
                status = self.server.wait() => return server_ended(status),
                () = self.stopped.notified() => {
                    println!("a function stopped; it starts again when a source file is saved");
                }
            }
        }
    }
}

/// Asks until there is an answer of any status: at first, nothing listens.
async fn answered(client: &reqwest::Client, url: &str) {
    while client.get(url).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Copies the server's lines, and tells when one says that a function stopped.
async fn forward(lines: pipe::Receiver, mut output: Output, stopped: Arc<Notify>) {
    let mut lines = BufReader::new(lines);
    let mut line = Vec::new();
    while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        if !is_noise(&text) {
            match &mut output {
                Output::Shown => print!("{text}"),
                // A full disk is no reason to stop reading: the functions would stand still.
                Output::Kept(file) => drop(file.write_all(&line)),
            }
        }
        if says_stopped(&text) {
            stopped.notify_one();
        }
        line.clear();
    }
}

fn says_stopped(line: &str) -> bool {
    line.contains("ERROR")
        && STOPPED.iter().any(|phrase| line.contains(phrase))
        && !line.contains(RESTARTED)
}

fn is_noise(line: &str) -> bool {
    line.contains(WAITING) || (line.contains("ERROR") && line.contains(RESTARTED))
}

fn server_ended(status: io::Result<std::process::ExitStatus>) -> Error {
    match status {
        Ok(status) => Error::WatchEnded(status),
        Err(source) => spawn_failed("cargo lambda watch")(source),
    }
}

fn spawn_failed(program: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Spawn { program: program.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_no_news_but_a_failure_is() {
        assert!(is_noise("ERROR command killed code=ForceStop"));
        assert!(is_noise("    Blocking waiting for file lock on package cache"));
        assert!(!is_noise("ERROR command exited code=101"));
        assert!(!is_noise("error: could not compile `checkout`"));
    }

    #[test]
    fn a_stopped_function_is_recognised_with_and_without_colour() {
        for line in [
            "ERROR command exited code=ExitError(1)",
            "\u{1b}[31mERROR\u{1b}[0m command exited \u{1b}[3mcode\u{1b}[0m=ExitError(101)",
            "ERROR command killed code=Terminate",
        ] {
            assert!(says_stopped(line), "{line}");
        }
        for line in ["INFO availability answered", "error: could not compile `checkout`", ""] {
            assert!(!says_stopped(line), "{line}");
        }
    }
}
