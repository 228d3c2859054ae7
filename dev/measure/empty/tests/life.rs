//! The bench's Runtime API, with a function that is real and with programs that are none.

use std::path::{Path, PathBuf};

use measure::bench::Error;
use measure::bench::life::{Life, Program, Questions, live};
use stand_ins::gateway_event::GatewayEvent;

/// Runs a program as the bench runs a function.
async fn run(program: &str, test: &str, status: u16) -> Result<Life, Error> {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.log"));
    let program = Program { path: PathBuf::from(program), environment: Vec::new(), log };
    let events = vec![GatewayEvent::new("GET", "/availability").json(); 6];
    live(program, Questions { events, untimed: 2, status, deadline_ms: 1_795_543_200_000 }).await
}

#[tokio::test]
async fn a_function_is_started_asked_and_measured() {
    let life = run(env!("CARGO_BIN_EXE_empty"), "measured", 200).await.expect("it answers");
    assert_eq!(life.bodies.len(), 6, "every event has an answer");
    let run = life.run;
    assert_eq!(run.warm.map(|warm| warm.requests), Some(3), "{run:?}");
    assert!(run.start_to_first_poll_ms > 0.0, "{run:?}");
    assert!(run.start_to_first_response_ms > run.start_to_first_poll_ms, "{run:?}");
    if cfg!(target_os = "linux") {
        assert!(run.peak_memory_kib > 0, "{run:?}");
    }
}

#[tokio::test]
async fn another_answer_than_expected_is_an_error_that_shows_it() {
    let error = run(env!("CARGO_BIN_EXE_empty"), "unexpected", 201).await.expect_err("it says 200");
    let text = error.to_string();
    assert!(text.contains("empty should have answered 201") && text.contains("200"), "{text}");
}

#[tokio::test]
async fn a_program_that_ends_is_an_error_with_its_last_words() {
    let error = run("/bin/ls", "ended", 200).await.expect_err("it is no function");
    let text = error.to_string();
    assert!(text.starts_with("ls ended by itself (exit status: 0)"), "{text}");
    assert!(text.contains("Cargo.toml"), "it lists the package: {text}");
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let error = run("/no/such/function", "missing", 200).await.expect_err("there is none");
    assert_eq!(error.to_string(), "could not start /no/such/function");
}
