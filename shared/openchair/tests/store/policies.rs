//! Compares what availability and notify may do to the table, according to
//! `template.yaml`, with the requests that they make.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use openchair::store::booking_store::BookingStore;
use openchair::store::outbox::{Effect, Outbox};
use openchair::store::{Consistency, DynamoStore, Store};
use salon::DateRange;
use salon::interval::Interval;
use salon::staff_calendar::CalendarReading;
use serde_json::Value;
use testing::hold;

use crate::harness::{Harness, at, staff_id};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// An action on items, and their partition keys.
#[derive(Clone, Debug)]
struct Request {
    action: String,
    partitions: Vec<String>,
}

/// Records the requests of a client.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Request>>>);

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        let keys: Vec<&Value> = match operation {
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().into_iter().flatten();
                let keys = tables.filter_map(|(_, table)| table["Keys"].as_array());
                keys.flatten().map(|key| &key["PK"]["S"]).collect()
            }
            "Query" => vec![&body["ExpressionAttributeValues"][":person"]["S"]],
            _ => vec![&body["Key"]["PK"]["S"]],
        };
        let partitions = keys.into_iter().map(|key| key.as_str().unwrap_or("?").to_owned());
        let request =
            Request { action: format!("dynamodb:{operation}"), partitions: partitions.collect() };
        self.0.lock().map_err(|_| "a test panicked")?.push(request);
        Ok(())
    }
}

/// A statement of a function's policy about the table.
#[derive(Debug)]
struct Statement {
    actions: Vec<&'static str>,
    /// The patterns that each partition key of a request must match one of.
    partitions: Vec<&'static str>,
    /// Whether a request without partition keys is refused.
    requires_partition: bool,
}

impl Statement {
    fn allows(&self, request: &Request) -> bool {
        let matches = |pattern: &str, key: &str| {
            pattern.strip_suffix('*').is_some_and(|prefix| key.starts_with(prefix))
        };
        let is_allowed = |key: &String| self.partitions.iter().any(|pattern| matches(pattern, key));
        self.actions.contains(&request.action.as_str())
            && request.partitions.iter().all(is_allowed)
            && self.requires_partition
    }
}

/// Returns the statements about the table in a function's policy.
fn statements(function: &str) -> Vec<Statement> {
    let heading = format!("\n  {function}:\n");
    let (_, resource) = TEMPLATE.split_once(&heading).expect("the template has the function");
    let (_, policies) = resource.split_once("      Policies:\n").expect("it has policies");
    let policies = policies.split("\n      Events:").next().unwrap_or_default();
    let statements = policies.split("- Effect: Allow").filter(|it| it.contains("dynamodb:"));
    statements
        .map(|statement| Statement {
            actions: list(statement, "Action: ["),
            partitions: list(
                statement,
                "ForAllValues:StringLike:\n                  dynamodb:LeadingKeys: [",
            ),
            requires_partition: statement
                .contains("\"Null\":\n                  dynamodb:LeadingKeys: \"false\""),
        })
        .collect()
}

/// Returns the list that follows `name`, whose last character opens it.
fn list(statement: &'static str, name: &str) -> Vec<&'static str> {
    let list = statement.split_once(name).and_then(|(_, rest)| rest.split_once(']'));
    let items = list.map_or("", |(list, _)| list).split(", ");
    items.map(|item| item.trim_matches('"')).filter(|item| !item.is_empty()).collect()
}

/// Records what `calls` requests of a table.
async fn requests(calls: impl AsyncFn(DynamoStore)) -> Vec<Request> {
    let Harness { client, table, .. } = Harness::new().await;
    let recorder = Recorder::default();
    let config = client.config().to_builder().interceptor(recorder.clone());
    calls(DynamoStore::new(Client::from_conf(config.build()), table)).await;
    recorder.0.lock().expect("nobody panics with it").clone()
}

/// Checks that a function may make its requests, and that everything it may do is part
/// of one of them.
fn check(function: &str, requests: &[Request]) {
    let statements = statements(function);
    for request in requests {
        let is_allowed = statements.iter().any(|statement| statement.allows(request));
        assert!(is_allowed, "{function} may not make its {request:?}: {statements:?}");
    }
    for statement in &statements {
        for action in &statement.actions {
            let is_used = |it: &Request| it.action == *action && statement.allows(it);
            assert!(requests.iter().any(is_used), "{function} does not need {action}");
        }
        for pattern in &statement.partitions {
            let alone = Statement {
                partitions: vec![pattern],
                actions: statement.actions.clone(),
                ..*statement
            };
            let is_used = requests.iter().any(|request| alone.allows(request));
            assert!(is_used, "{function} does not need {pattern} in {statement:?}");
        }
    }
}

fn a_day() -> DateRange {
    DateRange::single("2026-11-24".parse().expect("a date"))
}

#[tokio::test]
async fn availability_may_do_what_it_does_and_nothing_else() {
    let requests = requests(async |store| {
        let s1 = staff_id("s1");
        let window = Interval::new(at(0), at(86_400)).expect("a day");
        let reading = CalendarReading::new([].into(), window, at(100), at(160));
        store.sheets(&[&s1], a_day(), Consistency::Eventual).await.expect("readable");
        store.readings(&[&s1], Consistency::Eventual).await.expect("readable");
        store.take_lease(&s1, at(100), at(104)).await.expect("the store is up");
        store.put_reading(&s1, &reading).await.expect("written");
        store.move_lease(&s1, at(104), at(105)).await.expect("written");
    })
    .await;
    assert_eq!(requests.len(), 5, "{requests:?}");
    check("AvailabilityFunction", &requests);
}

#[tokio::test]
async fn notify_may_do_what_it_does_and_nothing_else() {
    let requests = requests(async |store| {
        let id = hold(1).id;
        let effect = Effect { name: "mail-visitor", version: 1 };
        store.sheets(&[&staff_id("s1")], a_day(), Consistency::Eventual).await.expect("readable");
        store.booking(&id).await.expect("readable");
        store.claim(&id, effect, at(100), at(115), at(200)).await.expect("the store is up");
        store.release_claim(&id, effect, at(115)).await.expect("written");
        store.mark_done(&id, effect, at(100), at(200)).await.expect("written");
    })
    .await;
    assert_eq!(requests.len(), 5, "{requests:?}");
    check("NotifyFunction", &requests);
}
