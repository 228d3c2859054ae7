//! A panic ends one request and not the process, and its log line quotes nothing.
//!
//! `PANICKING_FUNCTION` names another build of the program: `.ci/run sam-build` tests the one
//! that cargo-lambda makes.

use std::path::{Path, PathBuf};

use measure::bench::function_process::{EventPlan, Program, measure};
use serde_json::Value;
use stand_ins::gateway_event::GatewayEvent;

#[tokio::test]
async fn a_process_answers_after_a_panic() {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panicking.log");
    let path = std::env::var_os("PANICKING_FUNCTION")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_panicking")), PathBuf::from);
    let environment = vec![("AWS_LAMBDA_LOG_FORMAT", "JSON".into())];
    let program = Program { path, environment, log: log.clone() };
    let event = |target| GatewayEvent::new("POST", target).body("Ada Lovelace").json();
    let events = vec![
        event("/"),
        event("/literal"),
        event("/?name=\"<a>\" b"),
        event("/quoting"),
        "{}".to_owned(),
        event("/"),
    ];
    let plan = EventPlan { events, untimed: 0, status: None };
    // One process: if it ends, this is an error.
    let measured = measure(program, plan).await.expect("the process outlives its panics");

    let responses = measured.responses.iter().map(|body| serde_json::from_slice(body));
    let responses: Vec<Value> = responses.map(|response| response.expect("JSON")).collect();
    let statuses: Vec<_> = responses.iter().map(|response| &response["statusCode"]).collect();
    assert_eq!(statuses, [200, 500, 200, 500, 400, 200]);
    let body = responses[1]["body"].as_str().expect("a body");
    assert!(body.contains("\"code\":\"internal\"") && !body.contains("literal"), "{body}");

    let log = std::fs::read_to_string(log).expect("the log");
    assert!(!log.contains("Ada"), "a log line quotes the request:\n{log}");
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let panics: Vec<Value> = lines.filter(|line| line["message"] == "Panic").collect();
    let [literal, quoting] = panics.as_slice() else { panic!("two panics in:\n{log}") };
    assert_eq!(literal["panic.message"], "a literal message");
    assert_eq!(quoting["panic.message"], Value::Null);
    for line in [literal, quoting] {
        assert_eq!(line["level"], "ERROR");
        let location = line["panic.location"].as_str().expect("a location");
        assert!(location.contains("main.rs:"), "{location}");
    }
}
