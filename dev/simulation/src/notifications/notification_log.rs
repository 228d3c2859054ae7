//! The changes to notify people of, and the notifications that were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use openchair::store::Image;
use openchair::store::outbox::{Claim, Effect};
use salon::booking::{Booking, BookingId, State};
use salon::interval::Interval;
use serde_json::{Value, json};

use crate::trace::short;

#[derive(Debug, Default)]
pub(crate) struct NotificationLog {
    /// The table's stream.
    pub(super) records: Vec<Arc<Record>>,
    /// The mails, by the effects that send them.
    pub(super) mails: BTreeMap<Key, MailCount>,
    /// The calendar events, by calendar and id.
    pub(super) events: BTreeMap<(String, BookingId), CalendarEvent>,
    /// The records that were handled over 15 minutes after their change.
    pub(super) late: BTreeSet<usize>,
    pub(super) delivery: usize,
    /// The last effect that each delivery claimed.
    claims: BTreeMap<usize, (BookingId, Effect)>,
    /// The mail that SES has accepted and that is not marked yet, of each delivery.
    unmarked: BTreeMap<usize, Key>,
}

/// An effect: the booking, the name and the version.
pub(super) type Key = (BookingId, &'static str, u64);

/// A change of a booking in the table's stream.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) number: usize,
    pub(super) booking: BookingId,
    pub(super) version: u64,
    pub(super) changed_at: Timestamp,
    pub(super) from: State,
    pub(super) to: State,
    /// Whether the bank may take the payment back, which was not known before.
    pub(super) is_contested: bool,
    /// Whether another staff member does it now.
    pub(super) is_moved: bool,
    pub(super) json: Value,
}

/// How many times one mail was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MailCount {
    pub(super) id: String,
    /// How many times SES has accepted it.
    pub(super) sent: u32,
    /// How many of these attempts were interrupted before the effect was marked.
    pub(super) interrupted: u32,
    /// How many times a repeat was announced by [`Claim::TakenAgain`].
    pub(super) announced: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CalendarEvent {
    pub(super) time: Interval<Timestamp>,
    pub(super) is_deleted: bool,
}

/// How many notifications were sent in a schedule, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationCounts {
    pub mails: u64,
    /// The mails among them that repeat another one.
    pub repeats: u64,
    pub events: u64,
    pub deleted_events: u64,
}

impl Record {
    /// Returns a name for a trace.
    pub(super) fn description(&self) -> String {
        let Self { number, booking, version, from, to, .. } = self;
        let id = short(booking);
        format!("record {number} ({id}, version {version}, from {from} to {to})")
    }
}

impl NotificationLog {
    pub(crate) fn counts(&self) -> NotificationCounts {
        let mut counts = NotificationCounts::default();
        for mail in self.mails.values() {
            counts.mails += u64::from(mail.sent);
            counts.repeats += u64::from(mail.sent.saturating_sub(1));
        }
        for event in self.events.values() {
            let count =
                if event.is_deleted { &mut counts.deleted_events } else { &mut counts.events };
            *count += 1;
        }
        counts
    }

    /// Adds a change to the stream if the filter in `template.yaml` passes it.
    pub(crate) fn add_change(&mut self, before: &Booking, written: &Booking) {
        if matches!(
            written.state,
            State::Held
                | State::Processing
                | State::Expired
                | State::Standby
                | State::InLine
                | State::Capturing
        ) {
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
            is_contested: before.incidents.warnings.len() < after.incidents.warnings.len(),
            is_moved: before.staff != after.staff,
            booking: after.id,
            json,
        }));
    }

    /// Adds the table's answer to a claim.
    pub(crate) fn add_claim(&mut self, id: &BookingId, effect: Effect, claim: Claim) {
        match claim {
            Claim::Taken => {}
            Claim::TakenAgain => self.mail(id, effect).announced += 1,
            Claim::Refused | Claim::Done => return,
        }
        self.claims.insert(self.delivery, (id.clone(), effect));
    }

    /// Adds a mail that SES has accepted.
    pub(super) fn add_mail(&mut self, id: &str) {
        let Some((booking, effect)) = self.claims.get(&self.delivery).cloned() else { return };
        let mail = self.mail(&booking, effect);
        mail.sent += 1;
        id.clone_into(&mut mail.id);
        self.unmarked.insert(self.delivery, (booking, effect.name, effect.version));
    }

    /// Notes that the effect of the running delivery is marked.
    pub(crate) fn add_mark(&mut self) {
        self.unmarked.remove(&self.delivery);
    }

    /// Notes that the running delivery crashes, or does not learn that SES has
    /// accepted its mail, or cannot mark it.
    pub(crate) fn interrupt(&mut self) {
        if let Some(key) = self.unmarked.remove(&self.delivery) {
            self.mails.entry(key).or_default().interrupted += 1;
        }
    }

    fn mail(&mut self, booking: &BookingId, effect: Effect) -> &mut MailCount {
        self.mails.entry((booking.clone(), effect.name, effect.version)).or_default()
    }
}
