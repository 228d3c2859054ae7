//! The system under test: the deployed code, with a simulated table, Stripe, SES
//! and Google around it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use openchair::bookings::Bookings;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::random::Random;
use salon::Salon;
use salon::booking::State;
use testing::MemoryStore;

use super::decisions::{Decisions, Kind};
use super::notifications::{MailAndCalendars, NotificationLog, Notifier};
use super::planted_bug::Bug;
use super::schedule::Mode;
use super::small_salon::{NOTIFYING_SALONS, SALONS};
use super::stripe_model::Stripe;
use super::table_hook::TableHook;
use super::trace::Trace;

/// When each schedule begins: in the night before a day at the salon.
const START: Timestamp = Timestamp::constant(1_795_500_000, 0);
/// Turns the seed of a schedule into that of its notifications.
const NOTIFICATION_SEED: u64 = 0x7e11_0f17_0b00_c1a5;
/// How many of a hundred requests fail. In half of the schedules only crashes
/// happen.
const FAULT_PERCENTS: [u8; 4] = [0, 0, 5, 20];

#[derive(Debug)]
pub(super) struct System {
    pub(super) clock: Clock,
    pub(super) trace: Trace,
    pub(super) salon: Arc<Salon>,
    pub(super) table: MemoryStore,
    pub(super) table_hook: TableHook,
    pub(super) stripe: Stripe,
    pub(super) bookings: Bookings<MemoryStore, NoCalendars, Stripe>,
    pub(super) notifier: Notifier,
    pub(super) decisions: Decisions,
    /// Notifications have decisions of their own, so that a seed's bookings are the
    /// same with and without them.
    pub(super) notification_decisions: Decisions,
}

impl System {
    pub(super) fn new(seed: u64, bug: Option<Bug>, mode: Mode, is_traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let hours = SignedDuration::from_hours(random.i64(0..12));
        let size = random.usize(0..SALONS.len());
        let stripe_percent = fault_percent(&mut random);
        let stripe_random = random.fork();
        let table_percent = fault_percent(&mut random);
        let table_random = random.fork();
        let draws = Random::seeded(random.u64(..));
        let decisions = match mode {
            Mode::Draw => Decisions::drawn(random),
            Mode::Record => Decisions::recorded(random),
            Mode::Replay(recording) => Decisions::replayed(random, recording),
        };

        let clock = Clock::manual(START + hours);
        let trace = Trace::new(clock.clone(), is_traced);
        let salon = Arc::clone(&SALONS[size]);
        let stripe = Stripe::new(
            decisions.of(Kind::Stripe, stripe_random),
            stripe_percent,
            clock.clone(),
            bug,
            trace.clone(),
        );
        let log = NotificationLog::default();
        let plain_table = MemoryStore::default();
        let hook = |decisions, percent| {
            TableHook::new(plain_table.clone(), decisions, percent, bug, log.clone(), trace.clone())
        };
        let table_hook = hook(decisions.of(Kind::Table, table_random), table_percent);
        let table = plain_table.with_hook(table_hook.clone());
        let reader = BusyReader::new(table.clone(), NoCalendars, clock.clone());
        let bookings = Bookings::new(Arc::clone(&salon), reader, stripe.clone(), draws);

        let mut random = fastrand::Rng::with_seed(seed ^ NOTIFICATION_SEED);
        let percent = fault_percent(&mut random);
        let service_decisions = decisions.of(Kind::Services, random.fork());
        let services =
            MailAndCalendars::new(service_decisions, percent, bug, log.clone(), trace.clone());
        let percent = fault_percent(&mut random);
        let marker_hook = hook(decisions.of(Kind::Markers, random.fork()), percent);
        let notifier = Notifier::new(
            &NOTIFYING_SALONS[size],
            &plain_table,
            marker_hook,
            services,
            log.clone(),
            clock.clone(),
        );
        let notification_decisions = decisions.of(Kind::Notifications, random.fork());
        Self {
            clock,
            trace,
            salon,
            table,
            table_hook,
            stripe,
            bookings,
            notifier,
            decisions,
            notification_decisions,
        }
    }

    /// Returns how many bookings are in each state, in the order of [`State::ALL`].
    pub(super) fn states(&self) -> [u64; State::ALL.len()] {
        let mut counts = [0; State::ALL.len()];
        self.table.inspect(|contents| {
            for booking in contents.bookings.values() {
                for (count, state) in counts.iter_mut().zip(State::ALL) {
                    *count += u64::from(booking.state == state);
                }
            }
        });
        counts
    }
}

fn fault_percent(random: &mut fastrand::Rng) -> u8 {
    FAULT_PERCENTS[random.usize(0..FAULT_PERCENTS.len())]
}
