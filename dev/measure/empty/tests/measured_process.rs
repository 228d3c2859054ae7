//! The bench's Runtime API, with a real function and with programs that are not functions.

use std::path::{Path, PathBuf};

use measure::bench::Error;
use measure::bench::function_process::{EventPlan, Measured, Program, measure};
use stand_ins::gateway_event::GatewayEvent;

async fn run(program: &str, test: &str, status: u16) -> Result<Measured, Error> {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.log"));
    let program = Program { path: PathBuf::from(program), environment: Vec::new(), log };
    let events = vec![GatewayEvent::new("GET", "/availability").json(); 6];
    measure(program, EventPlan { events, untimed: 2, status, deadline_ms: 1_795_543_200_000 }).await
}

#[tokio::test]
async fn a_function_is_started_sent_events_and_measured() {
    let Measured { run, bodies } =
        run(env!("CARGO_BIN_EXE_empty"), "measured", 200).await.expect("it answers");
    assert_eq!(bodies.len(), 6, "every event has a response");
    assert_eq!(run.warm.map(|warm| warm.requests), Some(3), "{run:?}");
    assert!(run.start_to_first_poll_ms > 0.0, "{run:?}");
    assert!(run.start_to_first_response_ms > run.start_to_first_poll_ms, "{run:?}");
    if cfg!(target_os = "linux") {
        assert!(run.peak_memory_kib > 0, "{run:?}");
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
