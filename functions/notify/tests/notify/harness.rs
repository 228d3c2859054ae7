use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use dynoxide::Database;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use jiff::{SignedDuration, Timestamp};
use notify::{Notify, NotifyEvent, NotifyResponse, ReminderError};
use openchair::aws;
use openchair::calendars::{CalendarSecrets, StaffCalendars};
use openchair::clock::Clock;
use openchair::ses::Ses;
use openchair::store::DynamoStore;
use openchair::store::booking_store::{BookingChange, BookingStore};
use salon::booking::{Booking, BookingId, State};
use salon::day_sheet::DaySheet;
use salon::salon_file;
use salon::staff_calendar::CalendarName;
use serde_json::{Value, json};
use stand_ins::dynamodb_table;
use stand_ins::fake_google::{FakeGoogle, GoogleEvent, GoogleOptions};
use stand_ins::mailbox::{self, Mailbox};
use stand_ins::{fake_google, mailbox::Received};
use testing::{MemoryStore, booking};
use tokio::net::TcpListener;

/// The calendar of the one who works there.
pub(crate) const CALENDAR: &str = "owner@group.calendar.example";
const TABLE: &str = "openchair";

/// The function, all whom it tells, and a table whose stream it is fed by.
///
/// What it knows of bookings and keeps of effects is in memory, where a test
/// can look between two polls.
pub(crate) struct Harness {
    pub(crate) function: Notify<MemoryStore>,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Clock,
    pub(crate) google: fake_google::Serving,
    mailbox: mailbox::Serving,
    table: DynamoStore,
    database: Database,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let mut salon = salon_file::parse(salon_file::COMPILED_IN).expect("a salon");
        salon.staff[0].calendars = vec![CalendarName::Google("owner".to_owned())];
        let listener = async || TcpListener::bind("127.0.0.1:0").await.expect("a free port");

        let google = FakeGoogle::start(GoogleOptions::default(), listener().await).expect("Google");
        google.google().set_busy(CALENDAR, []);
        let secrets = json!({"google": {
            "serviceAccount": google.service_account(),
            "calendars": {"owner": CALENDAR},
        }});
        let secrets = CalendarSecrets::parse(&secrets.to_string().into()).expect("secrets");
        let entries = StaffCalendars::new(secrets, google.url().parse().expect("an address"));

        let mailbox = Mailbox::default().start(listener().await).expect("a mailbox");
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                Credentials::for_tests(),
            ))
            .build();
        let ses = Ses::new(config, Some(mailbox.url().to_owned()), None);

        let database = Database::memory().expect("a database in memory");
        let table = serve(&database, listener().await).await;
        let clock = Clock::manual(booking().changed_at + SignedDuration::from_secs(1));
        let store = MemoryStore::default();
        let function = Notify::new(salon, store.clone(), ses, entries, clock.clone());
        Self { function, store, clock, google, mailbox, table, database }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        self.mailbox.mailbox()
    }

    /// Writes a booking as it was and as it has become, and returns the record
    /// that the stream has of that.
    pub(crate) async fn change(&self, before: &Booking, after: &Booking) -> Value {
        let known = self.records().len();
        for booking in [before, after] {
            let written = self.table.booking(&before.id).await.expect("readable");
            let version = written.map_or(0, |written| written.version);
            let booking = Booking { version, ..booking.clone() };
            let change = BookingChange::only(&booking);
            self.table.write(&change).await.expect("written");
        }
        let current = self.table.booking(&before.id).await.expect("readable").expect("it is there");
        self.store.put_booking(current);
        self.records().into_iter().skip(known).last().expect("a record")
    }

    /// Books a time and pays for it, and returns the record of that.
    pub(crate) async fn pay(&self, id: u128) -> (Booking, Value) {
        let paid = Booking { id: BookingId::from_bits(id), ..booking() };
        let held = Booking { state: State::Held, payment: None, ..paid.clone() };
        let record = self.change(&held, &paid).await;
        (paid, record)
    }

    /// Puts a booking's entry on its day sheet.
    pub(crate) fn put_on_sheet(&self, booking: &Booking) {
        let entries = booking.entry().into_iter().collect();
        let sheet = DaySheet::new(1, entries);
        self.store.put_sheet(booking.staff.clone(), booking.date, sheet);
        self.store.put_booking(booking.clone());
    }

    /// Delivers records; returns the sequence numbers of those that failed.
    pub(crate) async fn deliver(&self, records: &[&Value]) -> Vec<String> {
        let answer = self.handle(records).await.expect("records are answered for one by one");
        let NotifyResponse::Changes(failures) = answer else { panic!("{answer:?}") };
        failures.batch_item_failures.into_iter().map(|it| it.item_identifier).collect()
    }

    /// Delivers records until a test says that the function is killed, which
    /// it is asked after each step of it.
    pub(crate) async fn deliver_until(
        &self,
        records: &[&Value],
        mut is_over: impl FnMut() -> bool,
    ) {
        let mut delivery = pin!(self.handle(records));
        poll_fn(|context| {
            let polled = delivery.as_mut().poll(context);
            if polled.is_ready() || is_over() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    async fn handle(&self, records: &[&Value]) -> Result<NotifyResponse, ReminderError> {
        let event = json!({"Records": records});
        let event: NotifyEvent = serde_json::from_value(event).expect("an event");
        Box::pin(self.function.handle(event, self.deadline())).await
    }

    pub(crate) async fn remind(&self) -> Result<NotifyResponse, ReminderError> {
        let event: NotifyEvent =
            serde_json::from_value(json!({"source": "aws.events"})).expect("an event");
        Box::pin(self.function.handle(event, self.deadline())).await
    }

    fn deadline(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(90)
    }

    /// Returns the subjects and recipients of all mails.
    pub(crate) fn mails(&self) -> Vec<String> {
        let shown = |mail: &Received| format!("{}: {}", mail.to, mail.subject);
        self.mailbox().received().iter().map(shown).collect()
    }

    /// Counts the mails that came under each id.
    pub(crate) fn copies(&self) -> std::collections::BTreeMap<String, usize> {
        let mut copies = std::collections::BTreeMap::new();
        for mail in self.mailbox().received() {
            *copies.entry(mail.id).or_default() += 1;
        }
        copies
    }

    /// Returns the events of the calendar that were not deleted.
    pub(crate) fn events(&self) -> Vec<GoogleEvent> {
        let mut events = self.google.google().events(CALENDAR);
        events.retain(|event| !event.is_deleted());
        events
    }

    fn records(&self) -> Vec<Value> {
        let request = ListStreamsRequest::default();
        let streams = self.database.list_streams(request).expect("a stream").streams;
        let request = GetShardIteratorRequest {
            stream_arn: streams[0].stream_arn.clone(),
            shard_id: dynoxide::streams::shard_id(TABLE),
            shard_iterator_type: "TRIM_HORIZON".to_owned(),
            sequence_number: None,
        };
        let iterator = self.database.get_shard_iterator(request).expect("an iterator");
        let shard_iterator = iterator.shard_iterator.expect("an iterator");
        let request = GetRecordsRequest { shard_iterator, limit: None };
        let read = self.database.get_records(request).expect("records");
        read.records.iter().map(|record| json!(record)).collect()
    }
}

async fn serve(database: &Database, listener: TcpListener) -> DynamoStore {
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    let client = aws::dynamodb_at(&endpoint);
    dynamodb_table::create(&client, TABLE).await.expect("a table");
    DynamoStore::new(client, TABLE.to_owned())
}

/// Returns a record's sequence number.
pub(crate) fn number(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().expect("a number").to_owned()
}
