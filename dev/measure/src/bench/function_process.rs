//! One process of a function: started, sent events, measured and ended.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Error;
use super::bench_results::{Run, Warm};
use super::runtime_api::{Call, Invocation, RuntimeApi};
use super::runtime_client::poll_and_answer;
use crate::machine::{kibibytes, read_field};
use crate::statistics::percentile;

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
    /// The deadline of the invocations, in milliseconds since 1970.
    pub deadline_ms: i64,
}

/// What a process answered, and how fast.
#[derive(Clone, Debug)]
pub struct Measured {
    pub run: Run,
    /// The bodies of the responses, in order.
    pub bodies: Vec<String>,
}

/// Measures one process of a function, on a thread with nothing else on it.
///
/// # Errors
/// When the function does not start, ends, times out, or answers with another status than
/// expected.
pub async fn measure(program: Program, plan: EventPlan) -> Result<Measured, Error> {
    on_own_thread(move |runtime| runtime.block_on(measure_here(&program, &plan))).await
}

/// Measures the server with a client that answers from memory.
pub(super) async fn measure_server_alone(plan: EventPlan) -> Result<Option<Warm>, Error> {
    on_own_thread(move |runtime| {
        runtime.block_on(async {
            let mut api = RuntimeApi::start().await.map_err(Error::RuntimeApi)?;
            let address = api.address();
            let client = tokio::task::spawn_blocking(move || poll_and_answer(&address));
            let responses = Responses::exchange(&mut api, &plan, Instant::now()).await;
            drop(api);
            // It ends with the server, with an error that is expected.
            let _ = client.await;
            Ok(responses?.warm)
        })
    })
    .await
}

async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce(tokio::runtime::Runtime) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        work(runtime.map_err(Error::RuntimeApi)?)
    };
    tokio::task::spawn_blocking(work).await.map_err(|panic| Error::RuntimeApi(panic.into()))?
}

async fn measure_here(program: &Program, plan: &EventPlan) -> Result<Measured, Error> {
    let mut api = RuntimeApi::start().await.map_err(Error::RuntimeApi)?;
    let mut command = program.command(&api.address())?;
    let started = Instant::now();
    let mut child =
        command.spawn().map_err(|source| Error::Spawn { program: program.path.clone(), source })?;
    let responses = tokio::select! {
        responses = Responses::exchange(&mut api, plan, started) => responses,
        ended = child.wait() => Err(Error::Ended {
            function: program.name(),
            how: ended.map_or_else(|error| error.to_string(), |status| status.to_string()),
            output: program.last_lines(),
        }),
    };
    let peak_memory_kib = peak_memory(&child);
    // A process that has already ended is no failure here.
    let _ = child.kill().await;
    let responses = responses.map_err(|error| error.with_program(program))?;
    let run = Run {
        start_to_first_poll_ms: milliseconds(responses.first_poll),
        start_to_first_response_ms: milliseconds(responses.first_response),
        peak_memory_kib,
        warm: responses.warm,
    };
    let bodies = responses.raw.iter().map(|raw| body_of(raw, plan.status, program));
    Ok(Measured { run, bodies: bodies.collect::<Result<_, _>>()? })
}

impl Program {
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn command(&self, runtime_api: &str) -> Result<Command, Error> {
        let failed = |source| Error::File { path: self.log.clone(), source };
        let log = File::create(&self.log).map_err(failed)?;
        let mut command = Command::new(&self.path);
        // As Lambda does, without any other variable of this machine.
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .kill_on_drop(true);
        Ok(command)
    }

    fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }

    /// Runs the program with an argument and an input, and returns its output.
    pub(super) async fn run_with_input(
        &self,
        argument: &str,
        input: String,
    ) -> Result<String, Error> {
        let failed = |source| Error::Spawn { program: self.path.clone(), source };
        let mut command = Command::new(&self.path);
        command.arg(argument).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let stdin = child.stdin.take();
        let writing = tokio::spawn(async move {
            match stdin {
                Some(mut stdin) => stdin.write_all(input.as_bytes()).await,
                None => Ok(()),
            }
        });
        let output = child.wait_with_output().await.map_err(failed)?;
        // A program that ended early did not read all of it, and its status says so.
        let _ = writing.await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let how = output.status.to_string();
        Err(Error::Ended { function: self.name(), how, output: text })
    }
}

/// The responses of one process, and their times.
struct Responses {
    first_poll: Duration,
    first_response: Duration,
    warm: Option<Warm>,
    raw: Vec<Vec<u8>>,
}

impl Responses {
    /// Sends the events one after the other.
    async fn exchange(
        api: &mut RuntimeApi,
        plan: &EventPlan,
        started: Instant,
    ) -> Result<Self, Error> {
        let mut raw = Vec::with_capacity(plan.events.len());
        let mut latencies = Vec::with_capacity(plan.events.len());
        let (mut first_poll, mut first_response) = (Duration::ZERO, Duration::ZERO);
        let mut warm_since = None;
        for (number, event) in plan.events.iter().enumerate() {
            let is_timed = number > plan.untimed;
            let invocation = Invocation::new(number, event, plan.deadline_ms);
            let next = match call(api).await? {
                Call::Next(next) => next,
                Call::Response { .. } => {
                    return Err(Error::Protocol("answered without an event"));
                }
                Call::Error(body) => return Err(Error::reported(&body)),
            };
            let sent = Instant::now();
            if next.send(invocation).is_err() {
                return Err(Error::Protocol("hung up after it had requested an event"));
            }
            let (body, received) = match call(api).await? {
                Call::Response { body, at } => (body, at),
                Call::Next(_) => {
                    return Err(Error::Protocol("requested another event before it answered"));
                }
                Call::Error(body) => return Err(Error::reported(&body)),
            };
            if number == 0 {
                first_poll = sent.duration_since(started);
                first_response = received.duration_since(started);
            }
            if is_timed {
                warm_since.get_or_insert(sent);
                latencies.push(microseconds(received.duration_since(sent)));
            }
            raw.push(body);
        }
        let warm = warm_since.and_then(|since| warm(&latencies, since.elapsed()));
        Ok(Self { first_poll, first_response, warm, raw })
    }
}

async fn call(api: &mut RuntimeApi) -> Result<Call, Error> {
    let seconds = CALL_TIMEOUT.as_secs();
    timeout(CALL_TIMEOUT, api.call()).await.map_err(|_| Error::Silent { seconds })
}

#[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
fn warm(latencies: &[f64], duration: Duration) -> Option<Warm> {
    Some(Warm {
        requests: latencies.len(),
        p50_us: percentile(latencies, 500)?,
        p99_us: percentile(latencies, 990)?,
        p999_us: percentile(latencies, 999)?,
        requests_per_second: rounded(latencies.len() as f64 / duration.as_secs_f64(), 1.0),
    })
}

/// Returns the body of a response that has the expected status.
fn body_of(raw: &[u8], expected: u16, program: &Program) -> Result<String, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Response {
        status_code: u16,
        body: Option<String>,
    }
    match serde_json::from_slice::<Response>(raw) {
        Ok(response) if response.status_code == expected => Ok(response.body.unwrap_or_default()),
        _ => Err(Error::UnexpectedResponse {
            function: program.name(),
            expected,
            answer: String::from_utf8_lossy(raw).chars().take(400).collect(),
        }),
    }
}

/// Returns the peak memory of a process, or 0 where the system does not report it.
fn peak_memory(child: &Child) -> u64 {
    let status = child.id().map(|id| format!("/proc/{id}/status"));
    status.and_then(|path| read_field(&path, "VmHWM")).as_deref().and_then(kibibytes).unwrap_or(0)
}

fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 1e3)
}

fn microseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6, 10.0)
}

/// Removes digits that are finer than any clock here.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpStream;

    use super::super::runtime_client::read_response;
    use super::*;

    fn three_events() -> EventPlan {
        EventPlan {
            events: vec!["{}".to_owned(); 3],
            untimed: 1,
            status: 200,
            deadline_ms: 1_795_543_200_000,
        }
    }

    #[tokio::test]
    async fn neither_the_cold_start_nor_the_warm_up_is_timed() {
        let warm = measure_server_alone(three_events()).await.unwrap().expect("one is timed");
        assert_eq!(warm.requests, 1);
        assert!(warm.p50_us > 0.0 && warm.requests_per_second > 0.0, "{warm:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_never_polls_is_an_error() {
        let mut api = RuntimeApi::start().await.unwrap();
        let error = Responses::exchange(&mut api, &three_events(), Instant::now()).await.err();
        assert!(matches!(error, Some(Error::Silent { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn an_error_that_a_function_reports_is_quoted() {
        let mut api = RuntimeApi::start().await.unwrap();
        let address = api.address();
        let reporting = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let report = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\ncontent-length: 8\r\n\r\nno table";
            stream.write_all(report).unwrap();
            read_response(&mut stream, &mut [0; 1024]).unwrap();
        });
        let error = Responses::exchange(&mut api, &three_events(), Instant::now()).await.err();
        assert!(matches!(&error, Some(Error::Reported(text)) if text == "no table"), "{error:?}");
        reporting.await.unwrap();
    }
}
