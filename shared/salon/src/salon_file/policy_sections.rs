//! Reading the rules for booking, paying and cancelling.

use super::menu::{chargeable, money};
use super::reader::{Field, Table};
use super::{boolean, optional_or};
use crate::cancellation_terms::CancellationTerms;
use crate::money::{Currency, Money};
use crate::payment_ui::PaymentUi;
use crate::salon::HoldLimits;

/// The section `[booking]`.
pub(super) struct BookingRules {
    pub(super) horizon_days: u16,
    pub(super) notice_minutes: u32,
    pub(super) slot_step_minutes: u16,
    pub(super) hold_minutes: u16,
    pub(super) hold_limits: HoldLimits,
    pub(super) retention_days: u32,
}

pub(super) fn booking_rules(file: &Table<'_, '_>) -> Option<BookingRules> {
    let table = section(
        file,
        "booking",
        &[
            "horizon_days",
            "notice_minutes",
            "slot_step_minutes",
            "hold_minutes",
            "max_holds_per_customer",
            "max_holds_per_address",
            "retention_days",
        ],
    );
    let table = table.as_ref();
    let horizon_days = optional_or(table, "horizon_days", 42, |f| f.integer(1..=365, "days"));
    let notice_minutes =
        optional_or(table, "notice_minutes", 120, |f| f.integer(0..=60 * 24 * 30, "minutes"));
    let slot_step_minutes =
        optional_or(table, "slot_step_minutes", 15, |f| f.integer(5..=240, "minutes"));
    let hold_minutes = optional_or(table, "hold_minutes", 10, |f| f.integer(1..=30, "minutes"));
    let holds = |key, default| {
        optional_or(table, key, default, |f| f.integer(1..=100_u16, "holds")).map(usize::from)
    };
    let per_customer = holds("max_holds_per_customer", 2);
    let per_address = holds("max_holds_per_address", 20);
    let retention_days =
        optional_or(table, "retention_days", 400, |f| f.integer(1..=3_650, "days"));
    Some(BookingRules {
        horizon_days: horizon_days?,
        notice_minutes: notice_minutes?,
        slot_step_minutes: slot_step_minutes?,
        hold_minutes: hold_minutes?,
        hold_limits: HoldLimits { per_customer: per_customer?, per_address: per_address? },
        retention_days: retention_days?,
    })
}

/// The section `[deposit]`.
pub(super) struct DepositRules {
    pub(super) default: Money,
    pub(super) bare: bool,
    pub(super) max_bare_per_hour: u16,
    pub(super) ui: PaymentUi,
    pub(super) delayed_methods: bool,
}

pub(super) fn deposit_rules(
    file: &Table<'_, '_>,
    currency: Option<Currency>,
) -> Option<DepositRules> {
    let table = file.required("deposit", "[deposit] with the default deposit")?.table(&[
        "default",
        "bare",
        "max_bare_per_hour",
        "ui",
        "delayed_methods",
    ])?;
    let default = table.required("default", "the deposit of services without their own");
    let default = default.and_then(|f| {
        let amount = money(&f, currency?)?;
        chargeable(&f, amount).then_some(amount)
    });
    let bare = optional_or(Some(&table), "bare", false, boolean);
    let max_bare_per_hour = optional_or(Some(&table), "max_bare_per_hour", 10, |f| {
        f.integer(1..=10_000_u16, "deposits")
    });
    let delayed_methods = optional_or(Some(&table), "delayed_methods", false, boolean);
    let ui = optional_or(Some(&table), "ui", PaymentUi::Hosted, ui);
    Some(DepositRules {
        default: default?,
        bare: bare?,
        max_bare_per_hour: max_bare_per_hour?,
        ui: ui?,
        delayed_methods: delayed_methods?,
    })
}

fn ui(field: &Field<'_, '_>) -> Option<PaymentUi> {
    let ui = field.as_text().and_then(|text| text.parse().ok());
    field.expect(ui, "\"hosted\", \"embedded\" or \"elements\"")
}

pub(super) fn cancellation(file: &Table<'_, '_>) -> Option<CancellationTerms> {
    let table = section(file, "cancellation", &["full_refund_hours", "late_refund_percent"]);
    let table = table.as_ref();
    let hours = optional_or(table, "full_refund_hours", 24, |f| f.integer(0..=24 * 60, "hours"));
    let percent = optional_or(table, "late_refund_percent", 0, |f| f.integer(0..=100, "percent"));
    Some(CancellationTerms { full_refund_hours: hours?, late_refund_percent: percent? })
}

/// The section `[calendars]`.
pub(super) struct CalendarRules {
    pub(super) fresh_seconds: u32,
    pub(super) max_stale_minutes: u32,
}

pub(super) fn calendar_rules(file: &Table<'_, '_>) -> Option<CalendarRules> {
    let table = section(file, "calendars", &["fresh_seconds", "max_stale_minutes"]);
    let table = table.as_ref();
    let fresh = optional_or(table, "fresh_seconds", 60, |f| f.integer(5..=600, "seconds"));
    let stale = optional_or(table, "max_stale_minutes", 15, |f| f.integer(1..=1440, "minutes"));
    Some(CalendarRules { fresh_seconds: fresh?, max_stale_minutes: stale? })
}

/// Opens an optional section.
fn section<'r, 't>(file: &Table<'r, 't>, key: &str, known: &[&str]) -> Option<Table<'r, 't>> {
    file.optional(key)?.table(known)
}
