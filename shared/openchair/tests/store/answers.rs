//! What the store makes of DynamoDB's answers, through the SDK.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use openchair::store::booking_store::{BookingChange, BookingStore, WriteOutcome};
use openchair::store::{DynamoStore, StoreError};
use testing::hold;

use crate::front::{self, Act};
use crate::harness::{Harness, client_that_retries};

/// Names an error as DynamoDB does, with the reasons of a cancelled transaction.
fn error(name: &str, reasons: &[&str]) -> Act {
    let reasons: Vec<_> =
        reasons.iter().map(|code| serde_json::json!({"Code": code, "Message": "…"})).collect();
    let body = serde_json::json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"),
        "Message": "…",
        "CancellationReasons": reasons,
    });
    Act::Answer(400, body.to_string())
}

fn cancelled(reasons: &[&str]) -> Act {
    error("TransactionCanceledException", reasons)
}

/// Writes a booking through a front that acts by `script`.
async fn write(
    harness: &Harness,
    script: impl IntoIterator<Item = Act>,
    retries: bool,
) -> Result<WriteOutcome, StoreError> {
    let url = front::start(&harness.endpoint, script).await;
    let config = if retries {
        RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
    } else {
        RetryConfig::disabled()
    };
    let store = DynamoStore::new(client_that_retries(&url, config), harness.table.clone());
    let booking = hold(1);
    store.write(&BookingChange::only(&booking)).await
}

#[tokio::test]
async fn a_lost_version_race_is_a_conflict() {
    let harness = Harness::new().await;
    for act in [
        cancelled(&["ConditionalCheckFailed"]),
        cancelled(&["TransactionConflict"]),
        cancelled(&["None", "TransactionConflict", "ConditionalCheckFailed", "None"]),
        error("TransactionInProgressException", &[]),
    ] {
        let written = write(&harness, [act.clone()], false).await;
        assert!(matches!(written, Ok(WriteOutcome::Conflict)), "{act:?}: {written:?}");
    }
}

#[tokio::test]
async fn a_change_that_dynamodb_cannot_make_is_unavailable() {
    let harness = Harness::new().await;
    for act in [
        cancelled(&["ThrottlingError"]),
        cancelled(&["None", "ProvisionedThroughputExceeded"]),
        cancelled(&["ConditionalCheckFailed", "ThrottlingError"]),
        cancelled(&["ValidationError"]),
        cancelled(&["ItemCollectionSizeLimitExceeded"]),
        cancelled(&["None"]),
        cancelled(&[]),
        error("ValidationException", &[]),
        error("IdempotentParameterMismatchException", &[]),
        error("ProvisionedThroughputExceededException", &[]),
        Act::Answer(500, "{}".to_owned()),
        Act::Answer(503, "<html>".to_owned()),
        Act::LoseAnswer,
    ] {
        let written = write(&harness, [act.clone()], false).await;
        assert!(matches!(written, Err(StoreError::Unavailable { .. })), "{act:?}: {written:?}");
    }
}

#[tokio::test]
async fn a_write_whose_response_was_lost_is_made_once() {
    let harness = Harness::new().await;
    let script = [Act::LoseAnswer, Act::Answer(500, "{}".to_owned())];
    let written = write(&harness, script, true).await;
    assert!(matches!(written, Ok(WriteOutcome::Written(_))), "{written:?}");
    let kept = harness.store.booking(&hold(1).id).await.expect("readable");
    assert_eq!(kept.map(|booking| booking.version), Some(1));
}
