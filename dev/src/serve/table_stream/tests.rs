use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::*;

/// A function with prepared responses. Without one, it accepts all records.
#[derive(Clone, Default)]
struct Function {
    batches: Arc<Mutex<Vec<Vec<Value>>>>,
    answers: Arc<Mutex<VecDeque<(StatusCode, Value)>>>,
}

impl Function {
    fn answering(answers: impl IntoIterator<Item = (StatusCode, Value)>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, ..Self::default() }
    }

    /// Returns a field of each record in each received batch.
    fn batches(&self, shown: impl Fn(&Value) -> &Value) -> Vec<Vec<String>> {
        let shown = |record| shown(record).as_str().unwrap().to_owned();
        let batches = self.batches.lock().unwrap();
        batches.iter().map(|batch| batch.iter().map(shown).collect()).collect()
    }

    /// Serves the function, and returns a stream that delivers to it.
    async fn stream(&self, database: &Database, position: &Path) -> TableStream {
        let take = async |State(function): State<Self>, event: String| {
            let event: Value = serde_json::from_str(&event).unwrap();
            let records = event["Records"].as_array().unwrap();
            function.batches.lock().unwrap().push(records.clone());
            let answer = function.answers.lock().unwrap().pop_front();
            let (status, answer) = answer.unwrap_or_else(|| failures(&[]));
            (status, Json(answer))
        };
        let router = Router::new().fallback(take).with_state(self.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        TableStream { database: database.clone(), client, url, position: position.to_owned() }
    }
}

fn failures(numbers: &[&str]) -> (StatusCode, Value) {
    let failures: Vec<_> = numbers.iter().map(|number| json!({"itemIdentifier": number})).collect();
    (StatusCode::OK, json!({"batchItemFailures": failures}))
}

/// Delivers three records to a function with these responses, and returns the sequence
/// numbers in each received batch.
async fn deliver(answers: impl IntoIterator<Item = (StatusCode, Value)>) -> Vec<Vec<String>> {
    let function = Function::answering(answers);
    let stream = function.stream(&Database::memory().unwrap(), Path::new("")).await;
    let record = |number: &str| json!({"dynamodb": {"SequenceNumber": number}});
    stream.deliver(&["1", "2", "3"].map(record)).await;
    function.batches(|record| &record["dynamodb"]["SequenceNumber"])
}

#[tokio::test(start_paused = true)]
async fn a_processed_batch_is_delivered_once() {
    assert_eq!(deliver([]).await, [["1", "2", "3"]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_delivered_again_after_the_function_fails() {
    let crash = (StatusCode::INTERNAL_SERVER_ERROR, Value::Null);
    let error = (StatusCode::OK, json!({"errorMessage": "it panicked"}));
    assert_eq!(deliver([crash, error]).await, [["1", "2", "3"]; 3]);
}

#[tokio::test(start_paused = true)]
async fn records_are_delivered_again_from_the_first_failed_one() {
    let answers = [failures(&["3", "2"]), failures(&["3"])];
    let expected = [&["1", "2", "3"][..], &["2", "3"], &["3"]];
    assert_eq!(deliver(answers).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_skipped_after_too_many_failures() {
    let attempts = usize::try_from(ATTEMPTS).unwrap();
    let batches = deliver((0..attempts).map(|_| failures(&["1"]))).await;
    assert_eq!(batches.len(), attempts + 1);
    assert_eq!(batches[attempts], ["2", "3"]);
}

fn put(database: &Database, sort_key: &str, state: &str) {
    let item = json!({
        "PK": {"S": "BOOKING#1"},
        "SK": {"S": sort_key},
        "state": {"S": state},
    });
    let request = json!({"TableName": table::DEFAULT_NAME, "Item": item});
    database.put_item(serde_json::from_value(request).unwrap()).unwrap();
}

#[tokio::test]
async fn filtered_changes_are_delivered_in_order_and_a_restart_continues() {
    let database = Database::memory().unwrap();
    let create = json!({
        "TableName": table::DEFAULT_NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "PK", "AttributeType": "S"},
            {"AttributeName": "SK", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    database.create_table(serde_json::from_value(create).unwrap()).unwrap();
    let name = format!("openchair-stream-{}", std::process::id());
    let position = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&position);

    for state in ["held", "confirmed", "refunding", "refunded"] {
        put(&database, "BOOKING", state);
        put(&database, "QUESTION", state);
    }
    let function = Function::default();
    let stream = function.stream(&database, &position).await;
    stream.deliver_next(stream.start().unwrap()).await.unwrap();

    put(&database, "BOOKING", "refund_failed");
    let stream = function.stream(&database, &position).await;
    stream.deliver_next(stream.start().unwrap()).await.unwrap();
    let batches = function.batches(|record| &record["dynamodb"]["NewImage"]["state"]["S"]);
    assert_eq!(batches, [&["confirmed", "refunding", "refunded"][..], &["refund_failed"]]);
    std::fs::remove_file(&position).unwrap();
}
