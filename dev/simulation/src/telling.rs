//! Those who are told of bookings: [`Notify`], the function that is deployed,
//! fed by the table's stream, and models of whom it tells by.
//!
//! The stream has shards, of each of which one batch at a time is delivered,
//! as by Lambda: in order, from the first record again that was not told, and
//! as a whole if the delivery crashed or its answer was lost. Now and then a
//! record that has been delivered is delivered once more besides, in any
//! order, as by a person.
//!
//! All of it draws from a generator of its own and has no effect on bookings,
//! so a seed's bookings are the same with it as without.
//!
//! What it leaves out: reminders, mails that SES will never take, and records
//! that are given up after 21 attempts.

mod promises;
mod services;
mod told;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;
use notify::{Answer, Event, NotAllReminded, Notify};
use openchair::calendars::{CalendarSecrets, StaffCalendars};
use openchair::clock::Clock;
use salon::Salon;
use serde_json::json;

pub(super) use self::services::Services;
pub use self::told::Counts;
use self::told::Record;
pub(super) use self::told::Told;
use super::bug::Bug;
use super::invariants::Violation;
use super::schedule::World;
use super::table::Table;
use stand_ins::fake_google;

/// How many shards the stream has.
const SHARDS: usize = 2;
/// How many records a batch has at most, as in `template.yaml`.
const BATCH: usize = 10;
/// How many deliveries are under way at the same time.
const DELIVERIES: usize = 3;
/// Up to how many things are done about telling at each step of a schedule.
const ACTIONS: usize = 8;
/// How long the function may take, as in `template.yaml`.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// Longer than an effect is claimed.
const AFTER_A_CLAIM: SignedDuration = SignedDuration::from_secs(16);
/// How old good news may be that is told without looking whether it is still
/// so.
const STILL_TRUE: SignedDuration = SignedDuration::from_mins(15);
/// How often what is left is tried in the end, and how many polls end any
/// delivery.
const ROUNDS: usize = 20;
const POLLS: usize = 2_000;

static SECRETS: LazyLock<CalendarSecrets> = LazyLock::new(|| {
    let secrets = json!({"google": {
        "serviceAccount": fake_google::service_account("https://google.example/token"),
        "calendars": {"a": "a", "b": "b"},
    }});
    CalendarSecrets::parse(&secrets.to_string().into()).expect("secrets")
});

/// The function, and whom it tells by.
#[derive(Debug)]
pub(super) struct Teller {
    function: Notify<Table, Services, Services>,
    table: Table,
    services: Services,
    told: Told,
}

impl Teller {
    /// Makes the function of a salon.
    pub(super) fn new(
        salon: &Salon,
        table: Table,
        services: Services,
        told: Told,
        clock: Clock,
    ) -> Self {
        let entries = StaffCalendars::with_writer(services.clone(), SECRETS.clone());
        let function = Notify::new(salon.clone(), table.clone(), services.clone(), entries, clock);
        Self { function, table, services, told }
    }

    /// Returns the books.
    pub(super) const fn told(&self) -> &Told {
        &self.told
    }

    fn recover(&self) {
        self.table.recover();
        self.services.recover();
    }
}

/// What is under way of telling people.
pub(super) struct Telling<'w> {
    world: &'w World,
    bug: Option<Bug>,
    random: fastrand::Rng,
    /// How much of the stream is in its shards.
    read: usize,
    shards: [VecDeque<Arc<Record>>; SHARDS],
    deliveries: Vec<Delivery<'w>>,
    begun: usize,
    does_anything_fail: bool,
}

/// A batch on its way through the function.
struct Delivery<'w> {
    number: usize,
    /// The shard that waits for it; none of what a person delivers.
    shard: Option<usize>,
    batch: Vec<Arc<Record>>,
    future: Pin<Box<dyn Future<Output = Result<Answer, NotAllReminded>> + 'w>>,
}

impl<'w> Telling<'w> {
    pub(super) fn new(world: &'w World, bug: Option<Bug>, seed: u64) -> Self {
        Self {
            world,
            bug,
            random: fastrand::Rng::with_seed(seed),
            read: 0,
            shards: Default::default(),
            deliveries: Vec::new(),
            begun: 0,
            does_anything_fail: true,
        }
    }

    /// Does some of what there is to do.
    pub(super) fn step(&mut self) {
        self.read_on();
        for _ in 0..self.random.usize(0..ACTIONS) {
            if self.is_idle() {
                return;
            }
            match self.random.u8(0..100) {
                0..80 if !self.deliveries.is_empty() => self.poll_any(),
                80..82 => self.deliver_again(),
                82 if self.does_anything_fail => self.crash_any(),
                _ => self.deliver_any(),
            }
        }
    }

    /// Ends what is under way, or cuts it off: deliveries are short, and what
    /// they ask has an answer or a timeout before a claim is over.
    pub(super) fn end_deliveries(&mut self) -> Result<(), Violation> {
        for _ in 0..POLLS {
            if self.deliveries.is_empty() {
                return Ok(());
            }
            if self.does_anything_fail && self.random.u8(0..20) == 0 {
                self.crash_any();
            } else {
                self.poll_any();
            }
        }
        Err("a delivery of the stream does not end".to_owned())
    }

    /// Lets nothing more go wrong.
    pub(super) fn recover(&mut self) {
        self.does_anything_fail = false;
        self.world.teller.recover();
    }

    /// Tells all that is left to tell, and checks what has been told; and then,
    /// of every fourth schedule, as it takes long, that records which come again
    /// tell nobody anything.
    pub(super) fn come_to_rest(&mut self) -> Result<(), Violation> {
        self.recover();
        self.tell_all()?;
        self.check_end()?;
        if self.random.u8(0..4) > 0 {
            return Ok(());
        }

        let told = self.world.teller.told.books().mails.clone();
        let mut again = self.world.teller.told.books().records.clone();
        self.random.shuffle(&mut again);
        self.world.trace.note(|| "all of the stream comes again".to_owned());
        for record in again {
            self.begin(None, vec![record]);
            self.end_deliveries()?;
        }
        if self.world.teller.told.books().mails != told {
            return Err("records that came again told somebody something".to_owned());
        }
        self.check_end()
    }

    fn tell_all(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS {
            self.end_deliveries()?;
            self.read_on();
            for shard in 0..SHARDS {
                self.deliver(shard);
                self.end_deliveries()?;
            }
            if self.is_idle() {
                return Ok(());
            }
            self.world.clock.advance(AFTER_A_CLAIM);
        }
        Err("some changes are never told".to_owned())
    }

    fn check_end(&self) -> Result<(), Violation> {
        let books = self.world.teller.told.books();
        self.world.table.contents().inspect(|contents| promises::check(contents, &books))
    }

    fn is_idle(&self) -> bool {
        self.deliveries.is_empty() && self.shards.iter().all(VecDeque::is_empty)
    }

    /// Puts what is new in the stream into its shards: all of a booking into
    /// the same.
    fn read_on(&mut self) {
        let books = self.world.teller.told.books();
        for record in &books.records[self.read..] {
            let shard = usize::from(record.booking.as_str().as_bytes()[0]) % SHARDS;
            self.shards[shard].push_back(Arc::clone(record));
        }
        self.read = books.records.len();
    }

    fn deliver_any(&mut self) {
        let shard = self.random.usize(0..SHARDS);
        self.deliver(shard);
    }

    /// Delivers a batch of a shard, unless one is under way.
    fn deliver(&mut self, shard: usize) {
        let waiting = self.shards[shard].len().min(BATCH);
        let is_busy = self.deliveries.iter().any(|delivery| delivery.shard == Some(shard));
        if waiting == 0 || is_busy || self.deliveries.len() >= DELIVERIES {
            return;
        }
        let size = self.random.usize(1..=waiting);
        let batch = self.shards[shard].iter().take(size).cloned().collect();
        self.begin(Some(shard), batch);
    }

    /// Delivers a record once more, of those that are told or are being told.
    fn deliver_again(&mut self) {
        if self.read == 0 || self.deliveries.len() >= DELIVERIES {
            return;
        }
        let record = {
            let books = self.world.teller.told.books();
            Arc::clone(&books.records[self.random.usize(0..self.read)])
        };
        let is_ahead = |shard: &VecDeque<Arc<Record>>| {
            shard
                .iter()
                .skip_while(|first| first.booking != record.booking)
                .skip(1)
                .any(|waiting| waiting.number == record.number)
        };
        if !self.shards.iter().any(is_ahead) {
            self.begin(None, vec![record]);
        }
    }

    fn begin(&mut self, shard: Option<usize>, batch: Vec<Arc<Record>>) {
        self.begun += 1;
        let number = self.begun;
        self.world.trace.note(|| {
            let records: Vec<_> = batch.iter().map(|record| record.shown()).collect();
            format!("delivery {number} begins: {}", records.join(", "))
        });
        let World { teller, clock, .. } = self.world;
        let event = Event { records: Some(batch.iter().map(|it| it.json.clone()).collect()) };
        let deadline = clock.now() + TIMEOUT;
        let future = Box::pin(teller.function.handle(event, deadline));
        self.deliveries.push(Delivery { number, shard, batch, future });
    }

    /// Cuts off any delivery where it is. All of it comes again.
    fn crash_any(&mut self) {
        if self.deliveries.is_empty() {
            return;
        }
        let index = self.random.usize(0..self.deliveries.len());
        let delivery = self.deliveries.swap_remove(index);
        self.world.trace.note(|| format!("delivery {} crashes", delivery.number));
        let mut books = self.world.teller.told.books();
        books.goes_on(delivery.number);
        books.cut_off();
    }

    fn poll_any(&mut self) {
        let index = self.random.usize(0..self.deliveries.len());
        let delivery = &mut self.deliveries[index];
        self.world.trace.note(|| format!("delivery {} goes on", delivery.number));
        self.world.teller.told.books().goes_on(delivery.number);
        let Poll::Ready(answer) =
            delivery.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return;
        };
        let delivery = self.deliveries.swap_remove(index);
        self.conclude(&delivery, answer);
    }

    /// Goes on in a shard where the answer says.
    fn conclude(&mut self, delivery: &Delivery<'w>, answer: Result<Answer, NotAllReminded>) {
        let Ok(Answer::Changes(failures)) = answer else { return };
        let failed = |record: &Arc<Record>| {
            let number = record.number.to_string();
            failures.batch_item_failures.iter().any(|failure| failure.item_identifier == number)
        };
        let first = delivery.batch.iter().position(failed);
        let mut told = first.unwrap_or(delivery.batch.len());
        let number = delivery.number;
        self.world
            .trace
            .note(|| format!("delivery {number} ends: {told} of {} told", delivery.batch.len()));
        let Some(shard) = delivery.shard else { return };
        if self.bug == Some(Bug::FailuresForgotten) {
            told = delivery.batch.len();
        }
        if self.does_anything_fail && self.random.u8(0..16) == 0 {
            self.world.trace.note(|| format!("the answer of delivery {number} is lost"));
            return;
        }
        let now = self.world.clock.now();
        for record in self.shards[shard].drain(..told) {
            if now.duration_since(record.changed_at) >= STILL_TRUE {
                self.world.teller.told.books().late.insert(record.number);
            }
        }
    }
}
