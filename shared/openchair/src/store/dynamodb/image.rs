//! Items in records of the table's stream: JSON that names the type of each value.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::item;
use crate::store::StoreError;
use salon::booking::Booking;

/// An item before or after a change, as in a record of the stream
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html>).
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Image(HashMap<String, Value>);

impl Image {
    /// Returns the image of a booking's item.
    #[must_use]
    pub fn of(booking: &Booking) -> Self {
        let item = item::booking_item(booking);
        Self(item.into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    /// Returns the key of a booking's item.
    #[must_use]
    pub fn key_of(booking: &Booking) -> Self {
        let key = item::booking_key(&booking.id);
        Self(key.into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    /// Tells by the key whether the item is a booking.
    #[must_use]
    pub fn is_booking(&self) -> bool {
        matches!(self.0.get("SK"), Some(Value::S(key)) if key == item::BOOKING)
    }

    /// Reads the booking.
    ///
    /// # Errors
    /// When this version cannot read the item. The error names the item and no
    /// values.
    pub fn booking(self) -> Result<Booking, StoreError> {
        let item = self.0.into_iter().map(|(name, value)| (name, value.into())).collect();
        item::booking(&item)
    }
}

/// A value, tagged with its type.
#[derive(Clone, Deserialize, Serialize)]
enum Value {
    S(String),
    N(String),
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    M(HashMap<String, Value>),
    L(Vec<Value>),
    #[serde(rename = "SS")]
    Ss(Vec<String>),
    #[serde(rename = "NS")]
    Ns(Vec<String>),
    #[serde(rename = "BS")]
    Bs(Vec<String>),
}

impl From<Value> for AttributeValue {
    /// Bytes stay in base64, as no booking has any.
    fn from(value: Value) -> Self {
        match value {
            Value::S(text) => Self::S(text),
            Value::N(number) => Self::N(number),
            Value::B(bytes) => Self::B(Blob::new(bytes)),
            Value::Bool(is) => Self::Bool(is),
            Value::Null(is) => Self::Null(is),
            Value::M(map) => {
                Self::M(map.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            Value::L(list) => Self::L(list.into_iter().map(Into::into).collect()),
            Value::Ss(texts) => Self::Ss(texts),
            Value::Ns(numbers) => Self::Ns(numbers),
            Value::Bs(bytes) => Self::Bs(bytes.into_iter().map(Blob::new).collect()),
        }
    }
}

impl From<AttributeValue> for Value {
    /// Converts the types that a booking's item has. It has no sets and no bytes.
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(number) => Self::N(number),
            AttributeValue::Bool(is) => Self::Bool(is),
            AttributeValue::M(map) => {
                Self::M(map.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            AttributeValue::L(list) => Self::L(list.into_iter().map(Into::into).collect()),
            _ => Self::Null(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use salon::booking::Refund;

    #[test]
    fn a_booking_is_read_from_its_image() {
        let mut booking = testing::booking();
        booking.refund = Some(Refund { amount: booking.terms.deposit, attempt: 1 });
        let json = serde_json::to_value(Image::of(&booking)).unwrap();
        assert_eq!(json["state"]["S"], "confirmed");
        let image: Image = serde_json::from_value(json).unwrap();
        assert!(image.is_booking());
        assert_eq!(image.booking().unwrap(), booking);
    }
}
