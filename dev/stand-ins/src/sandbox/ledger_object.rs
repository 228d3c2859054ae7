//! What the objects of the ledger have in common.

use jiff::Timestamp;

use super::{CheckoutSession, Refund, SandboxEvent};

/// An object with an id and a time of creation.
pub(super) trait LedgerObject {
    /// Its name in error messages.
    const NAME: &str;

    fn id(&self) -> &str;

    fn created(&self) -> Timestamp;
}

macro_rules! ledger_objects {
    ($($object:ty: $name:literal)*) => {$(
        impl LedgerObject for $object {
            const NAME: &str = $name;

            fn id(&self) -> &str {
                &self.id
            }

            fn created(&self) -> Timestamp {
                self.created
            }
        }
    )*};
}

ledger_objects! {
    CheckoutSession: "session"
    Refund: "refund"
    SandboxEvent: "event"
}
