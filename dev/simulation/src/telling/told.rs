//! The books: what there was to tell, and what has been told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use openchair::store::Image;
use openchair::store::outbox::{Claim, Effect};
use salon::booking::{Booking, BookingId, State};
use salon::interval::Interval;
use serde_json::{Value, json};

use super::super::table::short;

/// The books of a schedule. Their clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Books>>);

impl Told {
    /// Returns the books, as they are now.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    /// The table's stream.
    pub(super) records: Vec<Arc<Record>>,
    /// The mails, by what they are to the table.
    pub(super) mails: BTreeMap<Key, Mails>,
    /// The events, by their calendar and their id.
    pub(super) events: BTreeMap<(String, BookingId), Entry>,
    /// The records whose telling ended over 15 minutes after their change.
    pub(super) late: BTreeSet<usize>,
    /// Which delivery goes on.
    at_work: usize,
    /// What each delivery has the right to do.
    claims: BTreeMap<usize, (BookingId, Effect)>,
    /// The mails that SES has taken and nobody has marked, by their delivery.
    in_hand: BTreeMap<usize, Key>,
}

/// An effect: of a booking, by its name, for a version.
pub(super) type Key = (BookingId, &'static str, u64);

/// A change of a booking, as the table's stream has it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) number: usize,
    pub(super) booking: BookingId,
    pub(super) version: u64,
    pub(super) changed_at: Timestamp,
    pub(super) from: State,
    pub(super) to: State,
    /// Whether somebody else does it now.
    pub(super) is_moved: bool,
    pub(super) json: Value,
}

/// What became of one mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mails {
    /// Its id.
    pub(super) id: String,
    /// How often SES has taken it.
    pub(super) taken: u32,
    /// How many of the attempts at which SES took it were cut off before that
    /// was marked.
    pub(super) cut_off: u32,
    /// How often it was announced that it is sent again.
    pub(super) announced: u32,
}

/// An event in a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: Interval<Timestamp>,
    pub(super) is_deleted: bool,
}

/// What has been told in a schedule, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The mails that SES has taken.
    pub mails: u64,
    /// How many of them it had taken before.
    pub repeats: u64,
    /// The events that calendars show.
    pub events: u64,
    /// The events that were taken out of them.
    pub deleted: u64,
}

impl Record {
    /// Returns a line about it.
    pub(super) fn shown(&self) -> String {
        let Self { number, booking, version, from, to, .. } = self;
        let id = short(booking);
        format!("record {number} ({id}, version {version}: {from} to {to})")
    }
}

impl Counts {
    /// Adds others.
    pub(crate) fn join(&mut self, other: &Self) {
        self.mails += other.mails;
        self.repeats += other.repeats;
        self.events += other.events;
        self.deleted += other.deleted;
    }
}

impl Books {
    /// Counts what has been told.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for mails in self.mails.values() {
            counts.mails += u64::from(mails.taken);
            counts.repeats += u64::from(mails.taken.saturating_sub(1));
        }
        for event in self.events.values() {
            let count = if event.is_deleted { &mut counts.deleted } else { &mut counts.events };
            *count += 1;
        }
        counts
    }

    /// Writes down a change, if the stream's filter lets it through: see
    /// `template.yaml`.
    pub(crate) fn change(&mut self, before: &Booking, written: &Booking) {
        if matches!(written.state, State::Held | State::Processing | State::Expired) {
            return;
        }
        let after = Booking { version: before.version + 1, ..written.clone() };
        let number = self.records.len() + 1;
        let json = json!({
            "eventName": "MODIFY",
            "dynamodb": {
                "SequenceNumber": number.to_string(),
                "Keys": Image::key_of(&after),
                "OldImage": Image::of(before),
                "NewImage": Image::of(&after),
            },
        });
        self.records.push(Arc::new(Record {
            number,
            version: after.version,
            changed_at: after.changed_at,
            from: before.state,
            to: after.state,
            is_moved: before.staff != after.staff,
            booking: after.id,
            json,
        }));
    }

    /// Notes which delivery goes on.
    pub(super) fn goes_on(&mut self, delivery: usize) {
        self.at_work = delivery;
    }

    /// Notes what the table has said to who wants to carry out an effect.
    pub(crate) fn claimed(&mut self, id: &BookingId, effect: Effect, claim: Claim) {
        match claim {
            Claim::Taken => {}
            Claim::TakenAgain => self.mails(id, effect).announced += 1,
            Claim::Refused | Claim::Done => return,
        }
        self.claims.insert(self.at_work, (id.clone(), effect));
    }

    /// Notes that SES has taken a mail.
    pub(super) fn taken(&mut self, id: &str) {
        let Some((booking, effect)) = self.claims.get(&self.at_work).cloned() else { return };
        let mails = self.mails(&booking, effect);
        mails.taken += 1;
        id.clone_into(&mut mails.id);
        self.in_hand.insert(self.at_work, (booking, effect.name, effect.version));
    }

    /// Notes that the table has marked what the delivery did.
    pub(crate) fn marked(&mut self) {
        self.in_hand.remove(&self.at_work);
    }

    /// Notes that the delivery will not learn that SES has taken its mail, or
    /// cannot mark it, or goes on no more.
    pub(crate) fn cut_off(&mut self) {
        if let Some(key) = self.in_hand.remove(&self.at_work) {
            self.mails.entry(key).or_default().cut_off += 1;
        }
    }

    fn mails(&mut self, booking: &BookingId, effect: Effect) -> &mut Mails {
        self.mails.entry((booking.clone(), effect.name, effect.version)).or_default()
    }
}
