//! The one table: its name and its keys. `template.yaml` creates it.

/// The table's name where the environment does not choose another.
pub const DEFAULT_NAME: &str = "openchair";
/// The attribute of the partition key, a string.
pub const PARTITION_KEY: &str = "PK";
/// The attribute of the sort key, a string.
pub const SORT_KEY: &str = "SK";
/// The attribute after which DynamoDB may delete an item, in seconds since the Unix epoch.
pub const TTL_ATTRIBUTE: &str = "expiresAt";
/// The index of bookings that are not settled.
pub const UNSETTLED_INDEX: &str = "unsettled";
/// The attribute of its partition key, a string, which others do not have.
pub const UNSETTLED: &str = "unsettled";
/// The attribute of its sort key: when to look after the booking, in seconds
/// since the Unix epoch.
pub const CHECK_AT: &str = "checkAt";
