//! The form of a request that opens a session.

use jiff::Timestamp;
use salon::booking::BookingId;

/// What the model reads of the form of a session.
pub(super) struct SessionForm {
    pub(super) booking: BookingId,
    pub(super) expires_at: Timestamp,
    pub(super) amount: i64,
    pub(super) is_manual: bool,
}

impl SessionForm {
    pub(super) fn read(form: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = form.split('&').filter_map(|field| field.split_once('='));
            Some(fields.find(|(key, _)| key.ends_with(name))?.1)
        };
        Some(Self {
            booking: BookingId::parse(field("client_reference_id")?)?,
            expires_at: Timestamp::from_second(field("expires_at")?.parse().ok()?).ok()?,
            amount: field("unit_amount]")?.parse().ok()?,
            is_manual: field("capture_method]") == Some("manual"),
        })
    }
}
