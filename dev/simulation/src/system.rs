//! The system under test: the deployed code, with a simulated table, Stripe, SES
//! and Google around it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use notify::Notify;
use openchair::bookings::Bookings;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::calendars::StaffCalendars;
use openchair::clock::Clock;
use openchair::random::Random;
use salon::Salon;
use salon::booking::{Booking, State};
use testing::MemoryStore;

use super::decisions::{Decisions, Recording};
use super::lock;
use super::notifications::{MailAndCalendars, NotificationLog};
use super::planted_bug::Bug;
use super::small_salon::{CALENDAR_SECRETS, NOTIFYING_SALONS, SALONS};
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

/// What all parts of the system share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) bug: Option<Bug>,
    pub(super) trace: Trace,
    log: Arc<Mutex<NotificationLog>>,
}

impl Shared {
    pub(super) fn log(&self) -> MutexGuard<'_, NotificationLog> {
        lock(&self.log)
    }
}

/// A deployed version: the code with a salon file.
pub(super) struct Version {
    pub(super) salon: Arc<Salon>,
    pub(super) bookings: Bookings<MemoryStore, NoCalendars, Stripe>,
}

pub(super) struct System {
    pub(super) shared: Shared,
    versions: [Version; 2],
    /// The index of the deployed version.
    deployed: AtomicUsize,
    pub(super) table: MemoryStore,
    pub(super) table_hook: TableHook,
    pub(super) stripe: Stripe,
    /// The table as notifications reach it.
    pub(super) notify_table_hook: TableHook,
    pub(super) services: MailAndCalendars,
    pub(super) notify: Notify<MemoryStore, MailAndCalendars, MailAndCalendars>,
    pub(super) decisions: Decisions,
    /// Notifications have decisions of their own, so that a seed's bookings are the
    /// same with and without them.
    pub(super) notification_decisions: Decisions,
}

impl System {
    pub(super) fn new(
        seed: u64,
        bug: Option<Bug>,
        replayed: Option<Recording>,
        is_traced: bool,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let hours = SignedDuration::from_hours(random.i64(0..12));
        let size = random.usize(0..SALONS.len());
        let stripe_percent = fault_percent(&mut random);
        let stripe_random = random.fork();
        let table_percent = fault_percent(&mut random);
        let table_random = random.fork();
        let draws = random.u64(..);
        let decisions = Decisions::new(random, replayed);

        let clock = Clock::manual(START + hours);
        let trace = Trace::new(clock.clone(), is_traced);
        let shared = Shared { clock: clock.clone(), bug, trace, log: Arc::default() };
        let stripe = Stripe::new(decisions.fork(1, stripe_random), stripe_percent, shared.clone());
        let plain_table = MemoryStore::default();
        let table_hook =
            TableHook::new(&plain_table, decisions.fork(2, table_random), table_percent, &shared);
        let table = plain_table.with_hook(table_hook.clone());
        let mut version_draws = fastrand::Rng::with_seed(draws);
        let versions = SALONS[size].each_ref().map(|salon| {
            let reader = BusyReader::new(table.clone(), NoCalendars, clock.clone());
            let draws = Random::seeded(version_draws.u64(..));
            let bookings = Bookings::new(Arc::clone(salon), reader, stripe.clone(), draws);
            Version { salon: Arc::clone(salon), bookings }
        });

        let mut random = fastrand::Rng::with_seed(seed ^ NOTIFICATION_SEED);
        let percent = fault_percent(&mut random);
        let services =
            MailAndCalendars::new(decisions.fork(3, random.fork()), percent, shared.clone());
        let percent = fault_percent(&mut random);
        let notify_table_hook =
            TableHook::new(&plain_table, decisions.fork(4, random.fork()), percent, &shared);
        let notify = Notify::new(
            NOTIFYING_SALONS[size].clone(),
            plain_table.with_hook(notify_table_hook.clone()),
            services.clone(),
            StaffCalendars::with_writer(services.clone(), CALENDAR_SECRETS.clone()),
            clock,
        );
        let notification_decisions = decisions.fork(5, random.fork());
        Self {
            shared,
            versions,
            deployed: AtomicUsize::new(0),
            table,
            table_hook,
            stripe,
            notify_table_hook,
            services,
            notify,
            decisions,
            notification_decisions,
        }
    }

    /// Returns the deployed version.
    pub(super) fn version(&self) -> &Version {
        &self.versions[self.deployed.load(Ordering::Relaxed)]
    }

    /// Deploys the other version. What runs on the one before ends there.
    pub(super) fn deploy(&self) -> usize {
        1 - self.deployed.fetch_xor(1, Ordering::Relaxed)
    }

    /// Lets all later requests succeed.
    pub(super) fn stop_faults(&self) {
        self.table_hook.faults.stop();
        self.stripe.ledger().faults.stop();
        self.notify_table_hook.faults.stop();
        self.services.faults.stop();
    }

    /// Returns how many clients got a time by standing by.
    pub(super) fn served(&self) -> u64 {
        self.table.inspect(|contents| {
            let bookings = contents.bookings.values();
            let is_served = |it: &&Booking| it.is_standby && it.state == State::Confirmed;
            bookings.filter(is_served).count() as u64
        })
    }

    /// Returns how many bookings are in each state, in the order of [`State::ALL`].
    pub(super) fn states(&self) -> [u64; State::ALL.len()] {
        let count = |state| {
            self.table.inspect(|contents| {
                contents.bookings.values().filter(|booking| booking.state == state).count() as u64
            })
        };
        State::ALL.map(count)
    }
}

fn fault_percent(random: &mut fastrand::Rng) -> u8 {
    FAULT_PERCENTS[random.usize(0..FAULT_PERCENTS.len())]
}
