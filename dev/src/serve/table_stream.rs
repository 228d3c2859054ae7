//! Delivers the table's stream to `notify`, as Lambda's event source mapping does.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::streams::shard_id;
use dynoxide::{Database, DynoxideError};
use openchair::store::table;
use serde_json::{Value, json};

use super::serve_error::could_not;
use super::{Error, Options, http_client};

/// The interval between two polls of the stream. Lambda polls four times a second.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The size of a batch and the number of attempts, as in `template.yaml`.
const BATCH_SIZE: usize = 10;
const ATTEMPTS: u32 = 21;
/// The pause before a failed batch is retried.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The schedule of reminders, as in `template.yaml`.
const REMINDER_INTERVAL: Duration = Duration::from_hours(1);

/// The stream and its read position.
pub(super) struct TableStream {
    database: Database,
    client: reqwest::Client,
    url: String,
    /// The file with the last processed sequence number.
    position: PathBuf,
}

impl TableStream {
    /// Continues where the last `cargo dev` stopped.
    pub(super) fn new(
        database: Database,
        options: &Options,
        position: PathBuf,
    ) -> Result<Self, Error> {
        let url = options.invocation_url("notify");
        Ok(Self { database, client: http_client()?, url, position })
    }

    /// Delivers changes to `notify`, and invokes its reminders now and every hour.
    pub(super) async fn follow(&self) -> Result<Infallible, Error> {
        tokio::try_join!(self.changes(), self.reminders()).map(|(never, _)| never)
    }

    async fn reminders(&self) -> Result<Infallible, Error> {
        loop {
            // The first call also starts the function, so the first mail is not delayed.
            if let Err(error) = self.client.post(&self.url).body("{}").send().await {
                println!("could not invoke notify for reminders: {error}");
            }
            tokio::time::sleep(REMINDER_INTERVAL).await;
        }
    }

    async fn changes(&self) -> Result<Infallible, Error> {
        let mut iterator = self.start()?;
        loop {
            iterator = self.deliver_next(iterator).await?;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Delivers the records at `iterator`, and returns the next iterator.
    async fn deliver_next(&self, iterator: String) -> Result<String, Error> {
        let request = GetRecordsRequest { shard_iterator: iterator.clone(), limit: Some(100) };
        let read = self.database.get_records(request).map_err(failed())?;
        let last = read.records.last().map(|record| record.dynamodb.sequence_number.clone());
        let records: Vec<Value> = read
            .records
            .iter()
            .filter(|record| passes(record))
            .map(|record| json!(record))
            .collect();
        for batch in records.chunks(BATCH_SIZE) {
            self.deliver(batch).await;
        }
        if let Some(last) = last {
            // If this fails, the next start delivers records again, which is harmless.
            let _ = std::fs::write(&self.position, last);
        }
        Ok(read.next_shard_iterator.unwrap_or(iterator))
    }

    fn start(&self) -> Result<String, Error> {
        let request = ListStreamsRequest {
            table_name: Some(table::DEFAULT_NAME.to_owned()),
            ..ListStreamsRequest::default()
        };
        let streams = self.database.list_streams(request).map_err(failed())?.streams;
        let stream = streams.into_iter().next().ok_or(Error::Stopped("the table's stream"))?;
        let last = std::fs::read_to_string(&self.position).ok();
        let iterator = |kind: &str, sequence_number| {
            let request = GetShardIteratorRequest {
                stream_arn: stream.stream_arn.clone(),
                shard_id: shard_id(table::DEFAULT_NAME),
                shard_iterator_type: kind.to_owned(),
                sequence_number,
            };
            let iterator = self.database.get_shard_iterator(request).map_err(failed())?;
            iterator.shard_iterator.ok_or(Error::Stopped("the table's stream"))
        };
        match last {
            Some(last) => iterator("AFTER_SEQUENCE_NUMBER", Some(last))
                .or_else(|_| iterator("TRIM_HORIZON", None)),
            None => iterator("TRIM_HORIZON", None),
        }
    }

    /// Delivers a batch until every record is processed. Skips a record that fails too many
    /// times.
    async fn deliver(&self, mut batch: &[Value]) {
        let mut attempts = 0;
        while !batch.is_empty() {
            let failed = self.attempt(batch).await;
            let Some(first) = failed else { return };
            attempts = if first == 0 { attempts + 1 } else { 1 };
            batch = &batch[first..];
            if attempts >= ATTEMPTS {
                let number = batch[0]["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
                println!("gave up on record {number} of the table's stream");
                (batch, attempts) = (&batch[1..], 0);
                continue;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Delivers a batch once, and returns the index of the first failed record.
    async fn attempt(&self, batch: &[Value]) -> Option<usize> {
        let event = json!({ "Records": batch }).to_string();
        let answer = async {
            let answer = self.client.post(&self.url).body(event).send().await?;
            answer.error_for_status()?.json::<Value>().await
        };
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(error) => {
                println!("notify failed on {} changes: {error}", batch.len());
                return Some(0);
            }
        };
        let Some(failures) = answer["batchItemFailures"].as_array() else {
            println!("notify failed on {} changes: {answer}", batch.len());
            return Some(0);
        };
        let is_failed = |record: &Value| {
            let number = &record["dynamodb"]["SequenceNumber"];
            failures.iter().any(|failure| failure["itemIdentifier"] == *number)
        };
        if failures.is_empty() { None } else { Some(batch.iter().position(is_failed).unwrap_or(0)) }
    }
}

/// Implements the event filter in `template.yaml`.
fn passes(record: &Record) -> bool {
    const NOTIFIED_STATES: [&str; 5] =
        ["confirmed", "cancelled", "refunding", "refunded", "refund_failed"];
    let record = json!(record);
    let (item, new) = (&record["dynamodb"]["Keys"], &record["dynamodb"]["NewImage"]);
    let is_notified = |state: &str| NOTIFIED_STATES.contains(&state);
    record["eventName"] == "MODIFY"
        && item[table::SORT_KEY]["S"] == "BOOKING"
        && new["state"]["S"].as_str().is_some_and(is_notified)
}

fn failed() -> impl FnOnce(DynoxideError) -> Error {
    could_not("read the table's stream: `cargo dev --fresh` starts with an empty table")
}
