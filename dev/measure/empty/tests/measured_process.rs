//! The bench's Runtime API, with a real function and with programs that are not functions.

use std::path::{Path, PathBuf};

use measure::Error;
use measure::bench::function_process::{EventPlan, Measured, Program, measure};
use stand_ins::gateway_event::GatewayEvent;

async fn run(program: &str, test: &str, status: u16) -> Result<Measured, Error> {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.log"));
    let program = Program { path: PathBuf::from(program), environment: Vec::new(), log };
    let events = vec![GatewayEvent::new("GET", "/availability").json(); 6];
    measure(program, EventPlan { events, untimed: 2, status: Some(status) }).await
}

#[tokio::test]
async fn a_function_is_started_sent_events_and_measured() {
    let measured = run(env!("CARGO_BIN_EXE_empty"), "measured", 200).await.expect("it answers");
    assert_eq!(measured.responses.len(), 6, "every event has a response");
    assert_eq!(measured.latencies_us.len(), 3, "the others are the cold start and the warm-up");
    assert!(measured.start_to_first_poll_ms > 0.0, "{measured:?}");
    assert!(measured.start_to_first_response_ms > measured.start_to_first_poll_ms, "{measured:?}");
    if cfg!(target_os = "linux") {
        assert!(measured.peak_memory_bytes > 0, "{measured:?}");
    }
}

#[tokio::test]
async fn an_unexpected_status_is_an_error_that_quotes_the_response() {
    let error = run(env!("CARGO_BIN_EXE_empty"), "unexpected", 201).await.expect_err("it says 200");
    let text = error.to_string();
    assert!(text.contains("empty should have answered 201") && text.contains("200"), "{text}");
}

#[tokio::test]
async fn a_program_that_ends_is_an_error_with_its_last_output() {
    let error = run("/bin/ls", "ended", 200).await.expect_err("it is not a function");
    let text = error.to_string();
    assert!(text.starts_with("ls ended (exit status: 0)"), "{text}");
    assert!(text.contains("Cargo.toml"), "it lists the package: {text}");
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = run("/no/such/function", "missing", 200).await.expect_err("it does not exist");
    assert_eq!(error.to_string(), "could not start /no/such/function");
}
