//! How the ledger's fields are written to its file and read again, for `#[serde(with)]`.

use std::sync::Arc;

use salon::money::{Currency, Money};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checkout_session::METHODS;

pub(super) mod money {
    use super::{Currency, D, Deserialize, Deserializer, Money, S, Serialize, Serializer, custom};

    pub(in super::super) fn serialize<T: Serializer>(money: &Money, to: T) -> S<T> {
        (money.amount(), money.currency().code()).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserializer<'de>>(from: T) -> D<'de, T, Money> {
        let (amount, code) = <(i64, String)>::deserialize(from)?;
        let currency = Currency::from_code(&code);
        Ok(Money::new(amount, currency.ok_or_else(|| custom::<T>("currency", &code))?))
    }
}

pub(super) mod method {
    use super::{D, Deserialize, Deserializer, S, Serialize, Serializer, known_method};

    pub(in super::super) fn serialize<T: Serializer>(method: &&str, to: T) -> S<T> {
        method.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserializer<'de>>(
        from: T,
    ) -> D<'de, T, &'static str> {
        known_method::<T>(&String::deserialize(from)?)
    }
}

pub(super) mod methods {
    use super::{D, Deserialize, Deserializer, S, Serialize, Serializer, known_method};

    pub(in super::super) fn serialize<T: Serializer>(methods: &[&str], to: T) -> S<T> {
        methods.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserializer<'de>>(
        from: T,
    ) -> D<'de, T, Vec<&'static str>> {
        let methods = Vec::<String>::deserialize(from)?;
        methods.iter().map(|method| known_method::<T>(method)).collect()
    }
}

pub(super) mod shared_text {
    use super::{Arc, D, Deserialize, Deserializer, S, Serialize, Serializer};

    pub(in super::super) fn serialize<T: Serializer>(text: &Arc<str>, to: T) -> S<T> {
        (**text).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserializer<'de>>(from: T) -> D<'de, T, Arc<str>> {
        String::deserialize(from).map(Arc::from)
    }
}

pub(super) mod status {
    use axum::http::StatusCode;

    use super::{D, Deserialize, Deserializer, S, Serialize, Serializer, custom};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(in super::super) fn serialize<T: Serializer>(status: &StatusCode, to: T) -> S<T> {
        status.as_u16().serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserializer<'de>>(
        from: T,
    ) -> D<'de, T, StatusCode> {
        let code = u16::deserialize(from)?;
        StatusCode::from_u16(code).map_err(|_| custom::<T>("status", &code.to_string()))
    }
}

type S<T> = Result<<T as Serializer>::Ok, <T as Serializer>::Error>;
type D<'de, T, V> = Result<V, <T as Deserializer<'de>>::Error>;

fn custom<'de, T: Deserializer<'de>>(what: &str, value: &str) -> T::Error {
    T::Error::custom(format!("unknown {what} {value}"))
}

fn known_method<'de, T: Deserializer<'de>>(name: &str) -> D<'de, T, &'static str> {
    let known = METHODS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| custom::<T>("payment method", name))
}
