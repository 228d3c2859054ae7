//! Starts the child processes of `cargo dev`: `cargo build`, and `cargo lambda watch`, which
//! runs the functions. `process_tree` ends them.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::environment::Environment;
use super::serve_error::could_not;
use super::workspace::Workspace;
use super::{Error, Options, http_client, process_tree};

/// How long a built function may take to answer its first request.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(30);
/// The schedule of `reconcile`, as in `template.yaml`.
const RECONCILE_INTERVAL: Duration = Duration::from_mins(2);
/// How many of its runs there are between two comparisons of the refunds.
const RUNS_PER_DAY: u64 = 720;
/// What cargo-lambda logs when a function's process exits with an error.
const STOPPED_PHRASES: [&str; 4] =
    ["command exited", "command killed", "command stopped", "command ended by exception"];
/// How cargo-lambda marks a function that it stopped in order to restart it.
const RESTART_MARK: &str = "ForceStop";
/// What cargo prints repeatedly when a saved file makes it build all functions at once.
const LOCK_WAIT: &str = "waiting for file lock";

/// The functions, served by `cargo lambda watch`.
#[derive(Debug)]
pub(super) struct Functions {
    server: Child,
    /// Notified each time a function's process exits with an error.
    stopped: Arc<Notify>,
    /// Copies the output until this is dropped. Output during shutdown is not shown.
    _output: JoinSet<()>,
}

/// Where the functions' output goes.
#[derive(Debug)]
pub(super) enum Output {
    /// To the terminal, line by line.
    Terminal,
    File(File),
}

/// Builds every function and the binaries in `others`. Cargo shows its own progress.
pub(super) async fn build(
    workspace: &Workspace,
    others: &[&str],
    release: bool,
) -> Result<(), Error> {
    // Without `-p`, this selects the whole workspace, as cargo-lambda's `cargo run --bin` does.
    // Another selection resolves other features and would build every dependency twice.
    let mut command = super::cargo_command();
    command.arg("build").current_dir(&workspace.root);
    for binary in workspace.functions.iter().map(String::as_str).chain(others.iter().copied()) {
        command.args(["--bin", binary]);
    }
    if release {
        command.arg("--release");
    }
    let status = command.stdin(Stdio::null()).status().await;
    if status.map_err(could_not("start cargo build"))?.success() {
        return Ok(());
    }
    let problem = "the functions did not build: correct the errors above and run `cargo dev` again";
    Err(Error::Problem(problem.to_owned()))
}

impl Functions {
    /// Starts `cargo lambda watch`, which starts each function at its first request.
    pub(super) fn start(
        cargo_lambda: &Path,
        workspace: &Workspace,
        options: &Options,
        environment: &Environment,
        output: Output,
    ) -> Result<Self, Error> {
        let mut command = Command::new(cargo_lambda);
        // The functions write into a pipe and cannot detect the terminal behind it.
        if matches!(output, Output::Terminal) && io::stdout().is_terminal() {
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
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if std::env::var_os("RUST_LOG").is_none() {
            // watchexec logs every restart as an error.
            command.env("RUST_LOG", "error,watchexec=off");
        }
        // In a process group of its own: otherwise Ctrl-C would reach it before this process.
        command.process_group(0);
        process_tree::die_with_parent(&mut command);

        // One pipe for both streams keeps the lines in order.
        let doing = || could_not("start cargo lambda watch");
        let (reader, writer) = io::pipe().map_err(doing())?;
        let lines = pipe::Receiver::from_owned_fd(reader.into()).map_err(doing())?;
        command.stderr(writer.try_clone().map_err(doing())?).stdout(writer);
        let server = command.spawn().map_err(doing())?;
        // The command holds the write end, which would keep the pipe open forever.
        drop(command);

        let stopped = Arc::new(Notify::new());
        let mut output_task = JoinSet::new();
        output_task.spawn(forward(lines, output, Arc::clone(&stopped)));
        Ok(Self { server, stopped, _output: output_task })
    }

    /// Sends one GET to each function that has a path without parameters, and waits for the
    /// responses.
    ///
    /// A GET changes nothing. Functions that do not serve GET respond with 405, which is enough.
    pub(super) async fn warm(
        &mut self,
        workspace: &Workspace,
        options: &Options,
    ) -> Result<(), Error> {
        let client = http_client()?;
        for function in &workspace.functions {
            let Some(path) = workspace.plain_path(function) else {
                continue;
            };
            let url = format!("{}{path}", options.api_url());
            let problem = tokio::select! {
                () = wait_for_response(&client, &url) => continue,
                status = self.server.wait() => return Err(server_stopped(status)),
                () = self.stopped.notified() => format!(
                    "the function `{function}` stopped while starting (its message is above): \
                     correct that and run `cargo dev` again"
                ),
                () = tokio::time::sleep(WARM_UP_TIMEOUT) => format!(
                    "the function `{function}` did not answer GET {path} within {} s: \
                     see its output above, or set AWS_LAMBDA_LOG_LEVEL=debug for more",
                    WARM_UP_TIMEOUT.as_secs()
                ),
            };
            return Err(Error::Problem(problem));
        }
        Ok(())
    }

    /// Invokes `reconcile` on the deployed schedules. A failed run logs its own error.
    pub(super) async fn reconcile(options: &Options) -> Result<Infallible, Error> {
        let client = http_client()?;
        let url = options.invocation_url("reconcile");
        let mut run = 0_u64;
        loop {
            tokio::time::sleep(RECONCILE_INTERVAL).await;
            let is_daily = run.is_multiple_of(RUNS_PER_DAY);
            let tasks = [Some("{}"), is_daily.then_some(r#"{"task": "refunds"}"#)];
            for task in tasks.into_iter().flatten() {
                if let Err(error) = client.post(&url).body(task).send().await {
                    println!("could not invoke reconcile: {error}");
                }
            }
            run += 1;
        }
    }

    /// Waits until the server or one of the functions stops.
    pub(super) async fn until_failed(&mut self) -> Error {
        tokio::select! {
            status = self.server.wait() => server_stopped(status),
            () = self.stopped.notified() => Error::Stopped("a function"),
        }
    }

    /// Waits until the server stops. Prints a hint each time a function stops.
    pub(super) async fn until_stopped(&mut self) -> Error {
        loop {
            tokio::select! {
                status = self.server.wait() => return server_stopped(status),
                () = self.stopped.notified() => {
                    println!("a function stopped; save a source file to restart it");
                }
            }
        }
    }
}

/// Repeats a GET until there is a response of any status: at first, nothing listens.
async fn wait_for_response(client: &reqwest::Client, url: &str) {
    while client.get(url).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Copies the server's output, and notifies when a line reports a stopped function.
async fn forward(lines: pipe::Receiver, mut output: Output, stopped: Arc<Notify>) {
    let mut lines = BufReader::new(lines);
    let mut line = Vec::new();
    while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        if !is_noise(&text) {
            match &mut output {
                Output::Terminal => print!("{text}"),
                // Keep reading when the disk is full: a full pipe would block the functions.
                Output::File(file) => drop(file.write_all(&line)),
            }
        }
        if reports_stop(&text) {
            stopped.notify_one();
        }
        line.clear();
    }
}

fn reports_stop(line: &str) -> bool {
    line.contains("ERROR")
        && STOPPED_PHRASES.iter().any(|phrase| line.contains(phrase))
        && !line.contains(RESTART_MARK)
}

fn is_noise(line: &str) -> bool {
    line.contains(LOCK_WAIT) || (line.contains("ERROR") && line.contains(RESTART_MARK))
}

fn server_stopped(status: io::Result<ExitStatus>) -> Error {
    match status {
        Ok(status) => Error::Problem(format!(
            "`cargo lambda watch` stopped ({status}): its message is above, \
             and RUST_LOG=cargo_lambda=info shows more"
        )),
        Err(source) => could_not("wait for cargo lambda watch")(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_hidden_and_failures_are_shown() {
        assert!(is_noise("ERROR command killed code=ForceStop"));
        assert!(is_noise("    Blocking waiting for file lock on package cache"));
        assert!(!is_noise("ERROR command exited code=101"));
        assert!(!is_noise("error: could not compile `checkout`"));
    }

    #[test]
    fn a_stopped_function_is_recognized_with_and_without_color() {
        for line in [
            "ERROR command exited code=ExitError(1)",
            "\u{1b}[31mERROR\u{1b}[0m command exited \u{1b}[3mcode\u{1b}[0m=ExitError(101)",
            "ERROR command killed code=Terminate",
        ] {
            assert!(reports_stop(line), "{line}");
        }
        for line in ["INFO availability answered", "error: could not compile `checkout`", ""] {
            assert!(!reports_stop(line), "{line}");
        }
    }
}
