//! What is counted, as CloudWatch reads it. It is counted by the process, so
//! this is one test in a process of its own.

use metrics_cloudwatch_embedded::Builder;
use openchair::telemetry::metrics::{Metric, count};
use serde_json::{Value, json};

#[test]
fn metrics_are_written_once_with_their_namespace() {
    // Nobody counts yet.
    count(Metric::HoldsPlaced);
    let collector = Builder::new()
        .cloudwatch_namespace("openchair")
        .with_timestamp(1_795_516_500_000)
        .init()
        .expect("nobody else counts");
    count(Metric::RefundsFailed);
    count(Metric::HoldsPlaced);
    count(Metric::HoldsPlaced);

    let mut lines = Vec::new();
    collector.flush(&mut lines).expect("memory takes everything");
    assert_eq!(lines.split_inclusive(|byte| *byte == b'\n').count(), 1, "CloudWatch reads lines");
    let line: Value = serde_json::from_slice(&lines).expect("JSON");
    assert_eq!(
        line,
        json!({
            "_aws": {
                "Timestamp": 1_795_516_500_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "openchair",
                    "Dimensions": [[]],
                    "Metrics": [{"Name": "HoldsPlaced"}, {"Name": "RefundsFailed"}],
                }],
            },
            "HoldsPlaced": 2,
            "RefundsFailed": 1,
        })
    );

    lines.clear();
    collector.flush(&mut lines).expect("memory takes everything");
    assert!(lines.is_empty(), "nothing has happened since");
}
