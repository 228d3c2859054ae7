//! One schedule: visitors, events, looks and reconciliations, interleaved as a
//! seed says, with everything that goes wrong in between.

mod actions;
mod ending;
mod rest;

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use openchair::bookings::{Bookings, ReserveError, Reserved};
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::random::Random;
use salon::Salon;
use salon::booking::State;

use super::bug::Bug;
use super::invariants::{Violation, Watch};
use super::small_salon::{SALONS, TELLING_SALONS};
use super::stripe::{Mail, Stripe};
use super::table::{Table, short};
use super::telling::{Counts, Services, Teller, Telling, Told};
use super::trace::Trace;
use super::visitor::Visitor;

/// When each schedule begins: in the night before a day at the salon.
const BEGINNING: Timestamp = Timestamp::constant(1_795_500_000, 0);
/// How many steps a schedule has, before it is left to come to rest.
const STEPS: Range<usize> = 20..60;
/// How many tasks are under way at the same time.
const TASKS: usize = 5;
/// For how long a repeat of a request finds what the first has made.
const REQUEST_KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How many polls end any task.
const POLLS: usize = 5_000;
/// Makes of a schedule's seed that of what is told of its bookings.
const TELLING: u64 = 0x7e11_0f17_0b00_c1a5;

pub(super) type SimulatedBookings = Bookings<Table, NoCalendars, Stripe>;

/// The salon, its table, Stripe, and who tells people.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) trace: Trace,
    pub(super) salon: Arc<Salon>,
    pub(super) table: Table,
    pub(super) stripe: Stripe,
    pub(super) bookings: SimulatedBookings,
    pub(super) teller: Teller,
}

/// What came of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What is wrong, in a sentence, if anything is.
    pub violation: Option<String>,
    /// What happened, if that was asked for.
    pub trace: Vec<String>,
    /// How many steps there were.
    pub steps: u64,
    /// How many bookings ended in each state, in the order of [`State::ALL`].
    pub ends: [u64; State::ALL.len()],
    /// What has been told.
    pub told: Counts,
}

/// Runs the schedule of a seed.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>, is_traced: bool) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let hours = SignedDuration::from_hours(random.i64(0..12));
    let clock = Clock::manual(BEGINNING + hours);
    let trace = Trace::new(clock.clone(), is_traced);
    let size = random.usize(0..SALONS.len());
    let salon = Arc::clone(&SALONS[size]);
    // Of many schedules nothing fails but what crashes.
    let percents = [0, 0, 5, 20];
    let percent = percents[random.usize(0..percents.len())];
    let stripe = Stripe::new(random.u64(..), percent, clock.clone(), bug, trace.clone());
    let percent = percents[random.usize(0..percents.len())];
    let told = Told::default();
    let table = Table::new(random.u64(..), percent.into(), bug, told.clone(), trace.clone());
    let reader = BusyReader::new(table.clone(), NoCalendars, clock.clone());
    let draws = Random::seeded(random.u64(..));
    let bookings = Bookings::new(Arc::clone(&salon), reader, stripe.clone(), draws);

    let mut telling = fastrand::Rng::with_seed(seed ^ TELLING);
    let percent = percents[telling.usize(0..percents.len())];
    let services = Services::new(telling.u64(..), percent, bug, told.clone(), trace.clone());
    let percent = percents[telling.usize(0..percents.len())];
    let outbox = table.shared(telling.u64(..), percent.into());
    let teller = Teller::new(&TELLING_SALONS[size], outbox, services, told, clock.clone());
    let world = World { clock, trace, salon, table, stripe, bookings, teller };

    let mut schedule = Schedule {
        world: &world,
        bug,
        random,
        visitors: Vec::new(),
        tasks: Vec::new(),
        begun: 0,
        steps: 0,
        seen: (0, 0),
        watch: Watch::default(),
        telling: Telling::new(&world, bug, telling.u64(..)),
    };
    let violation = schedule.play().err();
    let steps = schedule.steps;
    let mut ends = [0; State::ALL.len()];
    world.table.contents().inspect(|contents| {
        for booking in contents.bookings.values() {
            for (end, state) in ends.iter_mut().zip(State::ALL) {
                *end += u64::from(booking.state == state);
            }
        }
    });
    let told = world.teller.told().books().counts();
    Outcome { violation, trace: world.trace.lines(), steps, ends, told }
}

/// What somebody does, from its beginning to an end or a crash.
struct Task<'w> {
    number: usize,
    /// The event that it delivers. It is sent again if that does not succeed.
    mail: Option<Mail>,
    future: Pin<Box<dyn Future<Output = Ending> + 'w>>,
}

/// What a task says in the end.
enum Ending {
    /// A request of the visitor with this number was answered.
    Reserved(usize, Box<Result<Reserved, ReserveError>>),
    /// The event was taken, or not.
    Delivered {
        is_taken: bool,
    },
    Other,
}

struct Schedule<'w> {
    world: &'w World,
    bug: Option<Bug>,
    random: fastrand::Rng,
    visitors: Vec<Visitor>,
    tasks: Vec<Task<'w>>,
    begun: usize,
    steps: u64,
    /// The changes of the table and of Stripe that were checked.
    seen: (u64, u64),
    watch: Watch,
    telling: Telling<'w>,
}

impl<'w> Schedule<'w> {
    fn play(&mut self) -> Result<(), Violation> {
        for _ in 0..self.random.usize(STEPS) {
            self.step()?;
        }
        self.come_to_rest()
    }

    /// Does one thing.
    fn step(&mut self) -> Result<(), Violation> {
        match self.random.u8(0..100) {
            0..55 if self.tasks.is_empty() => self.arrive(),
            0..55 => self.poll_any()?,
            55..63 => self.arrive(),
            63..67 => self.ask_again(),
            67..75 => self.pay(),
            75..78 => self.cancel(),
            78..80 => self.look(),
            80..88 => self.deliver(),
            88 => self.lose_event(),
            89..91 => self.reconcile(),
            91..95 => self.pass_between(1..120)?,
            95 => self.pass_between(5 * 60..60 * 60)?,
            96..98 => {
                self.world.stripe.ledger().let_bank_decide();
                if self.random.u8(0..8) == 0 {
                    self.world.stripe.ledger().return_refund();
                }
            }
            98 => self.crash(),
            _ => self.pass_hours()?,
        }
        self.check()
    }

    /// Checks the invariants, if anything has changed.
    fn check(&mut self) -> Result<(), Violation> {
        self.steps += 1;
        self.telling.step();
        let ledger = self.world.stripe.ledger();
        let changes = (self.world.table.changes(), ledger.changes());
        if self.seen == changes {
            return Ok(());
        }
        self.seen = changes;
        self.world.table.contents().inspect(|contents| self.watch.check(contents, &ledger))
    }

    fn pass_between(&mut self, seconds: Range<i64>) -> Result<(), Violation> {
        let time = SignedDuration::from_secs(self.random.i64(seconds));
        self.pass(time)
    }

    /// Lets so much time pass that no function that is at work survives it.
    fn pass_hours(&mut self) -> Result<(), Violation> {
        while !self.tasks.is_empty() {
            self.crash();
        }
        self.pass_between(3_600..30 * 3_600)
    }

    fn pass(&mut self, time: SignedDuration) -> Result<(), Violation> {
        self.telling.end_deliveries()?;
        self.world.clock.advance(time);
        self.world.trace.note(|| "time has passed".to_owned());
        Ok(())
    }

    fn begin(
        &mut self,
        what: impl FnOnce() -> String,
        mail: Option<Mail>,
        future: impl Future<Output = Ending> + 'w,
    ) {
        self.begun += 1;
        let number = self.begun;
        self.world.trace.note(|| format!("{number} begins: {}", what()));
        self.tasks.push(Task { number, mail, future: Box::pin(future) });
    }

    fn is_busy(&self) -> bool {
        self.tasks.len() >= TASKS
    }

    /// Ends any task where it is.
    fn crash(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let task = self.tasks.swap_remove(self.random.usize(0..self.tasks.len()));
        self.world.trace.note(|| format!("{} crashes", task.number));
        self.send_again(task.mail);
    }

    fn send_again(&self, mail: Option<Mail>) {
        self.world.stripe.ledger().mail().extend(mail);
    }

    fn poll_any(&mut self) -> Result<(), Violation> {
        if self.tasks.is_empty() {
            return Ok(());
        }
        let index = self.random.usize(0..self.tasks.len());
        self.poll(index)
    }

    /// Lets a task go on to its next question, or to its end.
    fn poll(&mut self, index: usize) -> Result<(), Violation> {
        let task = &mut self.tasks[index];
        let number = task.number;
        self.world.trace.note(|| format!("{number} goes on"));
        let Poll::Ready(ending) =
            task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return Ok(());
        };
        let task = self.tasks.swap_remove(index);
        self.world.trace.note(|| format!("{number} ends: {}", ending.shown()));
        match ending {
            Ending::Reserved(visitor, outcome) => self.tell(visitor, *outcome)?,
            Ending::Delivered { is_taken: false } => self.send_again(task.mail),
            Ending::Delivered { is_taken: true } | Ending::Other => {}
        }
        Ok(())
    }

    /// Tells a visitor what came of the request.
    fn tell(
        &mut self,
        visitor: usize,
        outcome: Result<Reserved, ReserveError>,
    ) -> Result<(), Violation> {
        let visitor = &mut self.visitors[visitor];
        let Ok(Reserved { booking, .. }) = outcome else { return Ok(()) };
        if visitor.session.is_some() {
            // One that Stripe refused has none, and its key may make another.
            if booking.checkout.session.is_none() {
                return Ok(());
            }
            if let Some((first, _)) = &visitor.booking
                && *first != booking.id
                && booking.created_at.duration_since(visitor.asked_at).abs() < REQUEST_KEY_LIFETIME
            {
                return Err(format!(
                    "one request made {} and {}",
                    short(first),
                    short(&booking.id)
                ));
            }
        }
        visitor.session = booking.checkout.session.map(|session| session.id);
        visitor.asked_at = booking.created_at;
        visitor.booking = Some((booking.id, booking.manage_token));
        Ok(())
    }
}
