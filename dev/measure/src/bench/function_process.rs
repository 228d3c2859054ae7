//! One process of a function: started, sent events, measured and ended.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use openchair::clock::Clock;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::runtime_api::{Call, RuntimeApi, invocation};
use crate::measure_error::{Context as _, Error};
use crate::process_status;
use crate::reply::Reply;

/// How long a function may take to request its first event, and to answer one.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Lines of a function's output that an error quotes.
const QUOTED_LINES: usize = 5;

/// The program of a function.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    /// Its variables, except those of the Runtime API.
    pub environment: Vec<(&'static str, OsString)>,
    /// The file for its output: with a pipe, it could have to wait for the reader.
    pub log: PathBuf,
}

/// The events that a function is sent.
#[derive(Clone, Debug, Default)]
pub struct EventPlan {
    /// Events of API Gateway's. The first one is the cold start.
    pub events: Vec<String>,
    /// Events after the first one that are not timed.
    pub untimed: usize,
    /// The expected status of each response.
    pub status: u16,
}

/// What a process answered, and how fast.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// From the start of the process to its request for the first event.
    pub start_to_first_poll_ms: f64,
    /// From the start of the process to the end of its first response.
    pub start_to_first_response_ms: f64,
    /// 0 where the system does not report it.
    pub peak_memory_bytes: usize,
    /// From the delivery of each timed event to the end of the response.
    pub latencies_us: Vec<f64>,
    /// The bodies of the responses, in order.
    pub bodies: Vec<Value>,
}

/// Measures one process of a function, on a thread with nothing else on it.
///
/// # Errors
/// When the function does not start, ends, times out, or answers with another status than
/// expected.
pub async fn measure(program: Program, plan: EventPlan) -> Result<Measured, Error> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("could not start a thread")?.block_on(measure_here(&program, &plan))
    };
    tokio::task::spawn_blocking(work).await.context("the measuring thread failed")?
}

async fn measure_here(program: &Program, plan: &EventPlan) -> Result<Measured, Error> {
    let mut api = RuntimeApi::start().await.context("the Runtime API server failed")?;
    let mut command = program.command(&api.address())?;
    let started = Instant::now();
    let failed = || format!("could not start {}", program.path.display());
    let mut child = command.spawn().with_context(failed)?;
    let exchanged = tokio::select! {
        exchanged = exchange(&mut api, plan, started) => exchanged.with_context(|| {
            let log = program.log.display();
            format!("{} cannot be measured; its output is in {log}", program.name())
        }),
        ended = child.wait() => {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(program.ended(&how, &std::fs::read_to_string(&program.log).unwrap_or_default()))
        }
    };
    let peak_memory = child.id().and_then(|id| process_status::memory(id, "VmHWM"));
    // A process that has already ended is no failure here.
    let _ = child.kill().await;
    let (measured, responses) = exchanged?;
    let body_of = |raw: &Vec<u8>| {
        let reply = Reply::read(raw);
        let quoted: String = String::from_utf8_lossy(raw).chars().take(400).collect();
        let (name, expected) = (program.name(), plan.status);
        let unexpected = format!("{name} should have answered {expected}, but answered {quoted}");
        let is_expected = reply.status == Some(expected);
        is_expected.then_some(reply.body).ok_or_else(|| Error::new(unexpected))
    };
    let bodies = responses.iter().map(body_of).collect::<Result<_, _>>()?;
    Ok(Measured { peak_memory_bytes: peak_memory.unwrap_or(0), bodies, ..measured })
}

/// Sends the events one after the other, and returns the times and the responses.
async fn exchange(
    api: &mut RuntimeApi,
    plan: &EventPlan,
    started: Instant,
) -> Result<(Measured, Vec<Vec<u8>>), Error> {
    let mut responses = Vec::with_capacity(plan.events.len());
    let mut measured = Measured::default();
    measured.latencies_us.reserve(plan.events.len());
    let deadline = Clock::machine().now() + SignedDuration::from_hours(1);
    let deadline_ms = deadline.as_millisecond();
    for (number, event) in plan.events.iter().enumerate() {
        let invocation = invocation(number, event, deadline_ms);
        let next = match call(api).await? {
            Call::Next(next) => next,
            Call::Response { .. } => return Err(Error::new("it answered without an event")),
            Call::Error(body) => return Err(reported(&body)),
        };
        let sent = Instant::now();
        if next.send(invocation).is_err() {
            return Err(Error::new("it hung up after it had requested an event"));
        }
        let (body, received) = match call(api).await? {
            Call::Response { body, at } => (body, at),
            Call::Next(_) => {
                return Err(Error::new("it requested another event before it answered"));
            }
            Call::Error(body) => return Err(reported(&body)),
        };
        if number == 0 {
            measured.start_to_first_poll_ms = sent.duration_since(started).as_secs_f64() * 1e3;
            measured.start_to_first_response_ms =
                received.duration_since(started).as_secs_f64() * 1e3;
        }
        if number > plan.untimed {
            measured.latencies_us.push(received.duration_since(sent).as_secs_f64() * 1e6);
        }
        responses.push(body);
    }
    Ok((measured, responses))
}

async fn call(api: &mut RuntimeApi) -> Result<Call, Error> {
    let silent = format!("it neither requested nor answered an event within {CALL_TIMEOUT:?}");
    timeout(CALL_TIMEOUT, api.call()).await.map_err(|_| Error::new(silent))
}

fn reported(body: &[u8]) -> Error {
    Error::new(format!("it reported an error: {}", String::from_utf8_lossy(body)))
}

impl Program {
    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Prepares a start without any other variable of this machine, as Lambda does.
    fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().kill_on_drop(true).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn command(&self, runtime_api: &str) -> Result<Command, Error> {
        let open = || File::create(&self.log).and_then(|log| Ok((log.try_clone()?, log)));
        let (stdout, stderr) =
            open().with_context(|| format!("could not write {}", self.log.display()))?;
        let mut command = self.bare_command();
        command
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdout(stdout)
            .stderr(stderr);
        Ok(command)
    }

    fn ended(&self, how: &str, output: &str) -> Error {
        let lines: Vec<&str> = output.lines().collect();
        let quoted = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n");
        Error::new(format!("{} ended ({how}); its last output:\n{quoted}", self.name()))
    }

    /// Runs the program with an argument and an input, and returns its output.
    pub(super) async fn run_with_input(
        &self,
        argument: &str,
        input: String,
    ) -> Result<String, Error> {
        let failed = || format!("could not run {}", self.path.display());
        let mut command = self.bare_command();
        command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(failed)?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let writing = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        let output = child.wait_with_output().await.with_context(failed)?;
        // A program that ended early did not read all of it, and its status says so.
        let _ = writing.await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_done = output.status.success();
        if is_done { Ok(text) } else { Err(self.ended(&output.status.to_string(), &text)) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn three_events() -> EventPlan {
        EventPlan { events: vec!["{}".to_owned(); 3], untimed: 1, status: 200 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_never_polls_is_an_error() {
        let mut api = RuntimeApi::start().await.unwrap();
        let error = exchange(&mut api, &three_events(), Instant::now()).await.unwrap_err();
        assert!(error.to_string().contains("within 20s"), "{error}");
    }

    #[tokio::test]
    async fn an_error_that_a_function_reports_is_quoted() {
        let mut api = RuntimeApi::start().await.unwrap();
        let address = api.address();
        let reporting = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let report = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\ncontent-length: 8\r\n\r\nno table";
            stream.write_all(report).unwrap();
            assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        });
        let error = exchange(&mut api, &three_events(), Instant::now()).await.unwrap_err();
        assert_eq!(error.to_string(), "it reported an error: no table");
        reporting.await.unwrap();
    }
}
