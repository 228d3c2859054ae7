//! One process of a function: started, sent events, measured and ended.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use openchair::clock::Clock;
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
    /// The expected status of each response. `None` accepts any.
    pub status: Option<u16>,
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
    /// The responses, in order.
    pub responses: Vec<Vec<u8>>,
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
            Err(program.ended(&how))
        }
    };
    let peak_memory = child.id().and_then(|id| process_status::memory(id, "VmHWM"));
    // A process that has already ended is no failure here.
    let _ = child.kill().await;
    let measured = Measured { peak_memory_bytes: peak_memory.unwrap_or(0), ..exchanged? };
    let Some(expected) = plan.status else { return Ok(measured) };
    let unexpected =
        measured.responses.iter().find(|raw| Reply::read(raw).status != Some(expected));
    let Some(unexpected) = unexpected else { return Ok(measured) };
    let name = program.name();
    let quoted: String = String::from_utf8_lossy(unexpected).chars().take(400).collect();
    Err(Error::new(format!("{name} should have answered {expected}, but answered {quoted}")))
}

/// Sends the events one after the other, and measures the responses.
async fn exchange(
    api: &mut RuntimeApi,
    plan: &EventPlan,
    started: Instant,
) -> Result<Measured, Error> {
    let mut measured = Measured::default();
    measured.latencies_us.reserve(plan.events.len());
    let deadline = Clock::machine().now() + SignedDuration::from_hours(1);
    let deadline_ms = deadline.as_millisecond();
    for (number, event) in plan.events.iter().enumerate() {
        let invocation = invocation(number, event, deadline_ms);
        let Call::Next(next) = call(api).await? else {
            return Err(Error::new("it answered without an event"));
        };
        let sent = Instant::now();
        if next.send(invocation).is_err() {
            return Err(Error::new("it hung up after it had requested an event"));
        }
        let Call::Response { body, at: received } = call(api).await? else {
            return Err(Error::new("it requested another event before it answered"));
        };
        if number == 0 {
            measured.start_to_first_poll_ms = sent.duration_since(started).as_secs_f64() * 1e3;
            measured.start_to_first_response_ms =
                received.duration_since(started).as_secs_f64() * 1e3;
        }
        if number > plan.untimed {
            measured.latencies_us.push(received.duration_since(sent).as_secs_f64() * 1e6);
        }
        measured.responses.push(body);
    }
    Ok(measured)
}

/// Waits for a request of the function that is not the report of an error.
async fn call(api: &mut RuntimeApi) -> Result<Call, Error> {
    match timeout(CALL_TIMEOUT, api.call()).await {
        Ok(Call::Error(body)) => {
            Err(Error::new(format!("it reported an error: {}", String::from_utf8_lossy(&body))))
        }
        Ok(call) => Ok(call),
        Err(_) => Err(Error::new(format!("it sent nothing for {CALL_TIMEOUT:?}"))),
    }
}

impl Program {
    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Prepares a start without any other variable of this machine, as Lambda does.
    fn command(&self, runtime_api: &str) -> Result<Command, Error> {
        let open = || File::create(&self.log).and_then(|log| Ok((log.try_clone()?, log)));
        let (stdout, stderr) =
            open().with_context(|| format!("could not write {}", self.log.display()))?;
        let mut command = Command::new(&self.path);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .kill_on_drop(true);
        Ok(command)
    }

    fn ended(&self, how: &str) -> Error {
        let output = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = output.lines().collect();
        let quoted = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n");
        Error::new(format!("{} ended ({how}); its last output:\n{quoted}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn three_events() -> EventPlan {
        EventPlan { events: vec!["{}".to_owned(); 3], untimed: 1, status: Some(200) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_never_polls_is_an_error() {
        let mut api = RuntimeApi::start().await.unwrap();
        let error = exchange(&mut api, &three_events(), Instant::now()).await.unwrap_err();
        assert!(error.to_string().contains("for 20s"), "{error}");
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
