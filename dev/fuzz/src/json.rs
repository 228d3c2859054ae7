//! Mutations of JSON.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

use crate::text::{any_text, mutated};

/// A change of one value anywhere in a document.
#[derive(Clone, Debug)]
enum Change {
    Set(Value),
    /// Sets text that resembles what was there.
    Edit(Index, String),
    Remove,
    Add(String, Value),
}

/// Makes a document of any kind.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Changes some values of `base`. The text of one result in eight is changed too, and then
/// nearly always no JSON.
pub fn mutated_json(base: Value) -> impl Strategy<Value = String> {
    let change = prop_oneof![
        2 => any_value().prop_map(Change::Set),
        4 => (any::<Index>(), any_text()).prop_map(|(at, text)| Change::Edit(at, text)),
        1 => Just(Change::Remove),
        1 => (any_text(), any_value()).prop_map(|(name, value)| Change::Add(name, value)),
    ];
    let changes = prop::collection::vec((any::<Index>(), change), 0..4);
    let document = changes.prop_map(move |changes| {
        let mut document = base.clone();
        for (at, change) in changes {
            apply(&mut document, at, change);
        }
        document.to_string()
    });
    prop_oneof![
        7 => document.clone(),
        1 => document.prop_flat_map(mutated),
    ]
}

fn apply(document: &mut Value, at: Index, change: Change) {
    let mut places = vec![String::new()];
    collect(document, "", &mut places);
    let place = at.get(&places);
    if let Change::Remove = change {
        let Some((parent, name)) = place.rsplit_once('/') else { return };
        match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&unescape(name))),
            Some(Value::Array(items)) => drop(items.pop()),
            _ => {}
        }
        return;
    }
    let Some(value) = document.pointer_mut(place) else { return };
    match (change, value) {
        (Change::Set(new), value) => *value = new,
        (Change::Edit(at, new), Value::String(text)) => {
            text.insert_str(text.floor_char_boundary(at.index(text.len() + 1)), &new);
        }
        (Change::Edit(_, new), value) => *value = Value::String(new),
        (Change::Add(name, new), Value::Object(fields)) => drop(fields.insert(name, new)),
        (Change::Add(name, new), value) => *value = Value::Object(Map::from_iter([(name, new)])),
        (Change::Remove, _) => {}
    }
}

/// Collects the JSON pointers of all values in a document (RFC 6901).
fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let place = format!("{place}/{name}");
        collect(value, &place, places);
        places.push(place);
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}
