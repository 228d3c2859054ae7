//! One life of one function: started, asked, measured, ended.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Error;
use super::results::{Run, Warm};
use super::runtime_api::{Call, Invocation, RuntimeApi};
use super::statistics::percentile;
use crate::machine::{kibibytes, read_field};

/// How long a function may take to ask for its first event, and to answer one.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many lines of a function's output an error quotes.
const QUOTED_LINES: usize = 5;

/// A function to be run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Its variables, but for those of the Runtime API.
    pub environment: Vec<(&'static str, OsString)>,
    /// Where its output goes: a file, as it must wait for nobody to read it.
    pub log: PathBuf,
}

/// What a function is asked.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// API Gateway's events. The first is the cold one.
    pub events: Vec<String>,
    /// How many after the first are not timed.
    pub untimed: usize,
    /// The status that is expected of each answer.
    pub status: u16,
    /// The clock's time by which Lambda would end it, in milliseconds since 1970.
    pub deadline_ms: i64,
}

/// What a function answered, and how fast.
#[derive(Clone, Debug)]
pub struct Life {
    /// What was measured.
    pub run: Run,
    /// What it answered, in order.
    pub bodies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    body: Option<String>,
}

/// Runs a function through its life, on a thread of its own: nothing else is
/// woken on it, so the way between the function and the clock is short.
///
/// # Errors
/// When the function does not start, ends, is silent, or answers otherwise than expected.
pub async fn live(program: Program, questions: Questions) -> Result<Life, Error> {
    on_own_thread(move |runtime| runtime.block_on(measure(&program, &questions))).await
}

/// Measures the server with nothing behind it: a thread that polls, and answers
/// from memory.
///
/// # Errors
/// When the server cannot be reached.
pub(super) async fn server_alone(questions: Questions) -> Result<Option<Warm>, Error> {
    on_own_thread(move |runtime| {
        runtime.block_on(async {
            let mut api = RuntimeApi::start().await.map_err(Error::RuntimeApi)?;
            let address = api.address();
            let looping = tokio::task::spawn_blocking(move || poll_and_answer(&address));
            let conversation = Conversation::hold(&mut api, &questions, Instant::now()).await;
            drop(api);
            // It ends with the server, by an error that is expected.
            let _ = looping.await;
            Ok(conversation?.warm)
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

async fn measure(program: &Program, questions: &Questions) -> Result<Life, Error> {
    let mut api = RuntimeApi::start().await.map_err(Error::RuntimeApi)?;
    let mut command = program.command(&api.address())?;
    let started = Instant::now();
    let mut child =
        command.spawn().map_err(|source| Error::Spawn { program: program.path.clone(), source })?;
    let conversation = tokio::select! {
        conversation = Conversation::hold(&mut api, questions, started) => conversation,
        ended = child.wait() => Err(Error::Ended {
            function: program.name(),
            how: ended.map_or_else(|error| error.to_string(), |status| status.to_string()),
            output: program.last_lines(),
        }),
    };
    let peak_memory_kib = peak_memory(&child);
    end(&mut child).await;
    let conversation = conversation.map_err(|error| error.of(program))?;
    let bodies = conversation
        .answers
        .iter()
        .map(|answer| expect(answer, questions.status, program))
        .collect::<Result<_, _>>()?;
    let run = Run {
        start_to_first_poll_ms: milliseconds(conversation.first_poll),
        start_to_first_response_ms: milliseconds(conversation.first_response),
        peak_memory_kib,
        warm: conversation.warm,
    };
    Ok(Life { run, bodies })
}

impl Program {
    /// Returns the name in messages.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn command(&self, runtime_api: &str) -> Result<Command, Error> {
        let failed = |source| Error::Log { path: self.log.clone(), source };
        let log = File::create(&self.log).map_err(failed)?;
        let mut command = Command::new(&self.path);
        // Started as Lambda does, with what it is told and nothing else.
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

    /// Returns the end of what it has written.
    fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }
}

/// The times and the answers of one function.
struct Conversation {
    first_poll: Duration,
    first_response: Duration,
    warm: Option<Warm>,
    answers: Vec<Vec<u8>>,
}

impl Conversation {
    /// Asks everything in turn.
    async fn hold(
        api: &mut RuntimeApi,
        questions: &Questions,
        started: Instant,
    ) -> Result<Self, Error> {
        let mut answers = Vec::with_capacity(questions.events.len());
        let mut latencies = Vec::with_capacity(questions.events.len());
        let (mut first_poll, mut first_response) = (Duration::ZERO, Duration::ZERO);
        let mut warm_since = None;
        for (number, event) in questions.events.iter().enumerate() {
            let is_timed = number > questions.untimed;
            let invocation = Invocation::new(number, event, questions.deadline_ms);
            let next = match in_time(api).await? {
                Call::Next(next) => next,
                Call::Response { .. } => {
                    return Err(Error::Confused("answered what it was not asked"));
                }
                Call::Error(body) => return Err(Error::reported(&body)),
            };
            let asked = Instant::now();
            if number == 0 {
                first_poll = asked.duration_since(started);
            }
            if is_timed {
                warm_since.get_or_insert(asked);
            }
            if next.send(invocation).is_err() {
                return Err(Error::Confused("hung up after asking for an event"));
            }
            let (body, at) = match in_time(api).await? {
                Call::Response { body, at } => (body, at),
                Call::Next(_) => {
                    return Err(Error::Confused("asked for another event before it answered"));
                }
                Call::Error(body) => return Err(Error::reported(&body)),
            };
            if number == 0 {
                first_response = at.duration_since(started);
            }
            if is_timed {
                latencies.push(microseconds(at.duration_since(asked)));
            }
            answers.push(body);
        }
        let warm = warm_since.and_then(|since| warm(&latencies, since.elapsed()));
        Ok(Self { first_poll, first_response, warm, answers })
    }
}

async fn in_time(api: &mut RuntimeApi) -> Result<Call, Error> {
    timeout(PATIENCE, api.call()).await.map_err(|_| Error::Silent { seconds: PATIENCE.as_secs() })
}

#[expect(clippy::cast_precision_loss, reason = "nobody times 2^52 requests")]
fn warm(latencies: &[f64], took: Duration) -> Option<Warm> {
    Some(Warm {
        requests: latencies.len(),
        p50_us: percentile(latencies, 500)?,
        p99_us: percentile(latencies, 990)?,
        p999_us: percentile(latencies, 999)?,
        requests_per_second: rounded(latencies.len() as f64 / took.as_secs_f64(), 1.0),
    })
}

fn expect(answer: &[u8], status: u16, program: &Program) -> Result<String, Error> {
    let unexpected = || Error::Unexpected {
        function: program.name(),
        expected: status,
        answer: String::from_utf8_lossy(answer).chars().take(400).collect(),
    };
    let read: Answer = serde_json::from_slice(answer).map_err(|_| unexpected())?;
    if read.status_code == status { Ok(read.body.unwrap_or_default()) } else { Err(unexpected()) }
}

/// Returns the most memory that a process has held; 0 where the system does not tell.
fn peak_memory(child: &Child) -> u64 {
    let status = child.id().map(|id| format!("/proc/{id}/status"));
    status.and_then(|path| read_field(&path, "VmHWM")).as_deref().and_then(kibibytes).unwrap_or(0)
}

async fn end(child: &mut Child) {
    // One that has ended by itself is no failure here.
    let _ = child.kill().await;
}

fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 1e3)
}

fn microseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6, 10.0)
}

/// Cuts off digits that no clock here has.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

fn poll_and_answer(address: &str) -> io::Result<()> {
    const POLL: &[u8] =
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const ANSWER: &[u8] = b"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nhost: localhost\r\ncontent-length: 18\r\n\r\n{\"statusCode\":200}";
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut received = vec![0; 64 * 1024];
    loop {
        stream.write_all(POLL)?;
        read_response(&mut stream, &mut received)?;
        stream.write_all(ANSWER)?;
        read_response(&mut stream, &mut received)?;
    }
}

fn read_response(stream: &mut TcpStream, received: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut received[filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&received[..filled]).map_err(io::Error::other)?;
        let httparse::Status::Complete(head) = parsed else { continue };
        let length = response.headers.iter().find(|header| header.name == "content-length");
        let length = length.and_then(|length| std::str::from_utf8(length.value).ok()?.parse().ok());
        if filled >= head + length.unwrap_or(0) {
            return Ok(());
        }
    }
}

/// Runs a program that reads `input` and ends, and returns what it prints.
///
/// # Errors
/// When it cannot be run, or fails.
pub(super) async fn ask(program: &Program, argument: &str, input: String) -> Result<String, Error> {
    let failed = |source| Error::Spawn { program: program.path.clone(), source };
    let mut child = Command::new(&program.path)
        .arg(argument)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut stdin = child.stdin.take();
    let feeding = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        match &mut stdin {
            Some(stdin) => stdin.write_all(input.as_bytes()).await,
            None => Ok(()),
        }
    });
    let output = child.wait_with_output().await.map_err(failed)?;
    // A program that ends early reads no more, and says why by its status.
    let _ = feeding.await;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::Ended {
            function: program.name(),
            how: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
        })
    }
}

/// Returns where a program's output goes.
pub(super) fn log_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Questions {
        Questions {
            events: vec!["{}".to_owned(); 3],
            untimed: 1,
            status: 200,
            deadline_ms: 1_795_543_200_000,
        }
    }

    #[tokio::test]
    async fn the_server_alone_times_what_is_neither_cold_nor_warming_up() {
        let warm = server_alone(three()).await.unwrap().expect("one is timed");
        assert_eq!(warm.requests, 1);
        assert!(warm.p50_us > 0.0 && warm.requests_per_second > 0.0, "{warm:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_never_polls_is_an_error_and_not_a_wait() {
        let mut api = RuntimeApi::start().await.unwrap();
        let error = Conversation::hold(&mut api, &three(), Instant::now()).await.err();
        assert!(matches!(error, Some(Error::Silent { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn a_function_that_reports_an_error_is_quoted() {
        let mut api = RuntimeApi::start().await.unwrap();
        let address = api.address();
        let reporting = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let report = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\ncontent-length: 8\r\n\r\nno table";
            stream.write_all(report).unwrap();
            read_response(&mut stream, &mut [0; 1024]).unwrap();
        });
        let error = Conversation::hold(&mut api, &three(), Instant::now()).await.err();
        assert!(matches!(&error, Some(Error::Reported(text)) if text == "no table"), "{error:?}");
        reporting.await.unwrap();
    }
}
