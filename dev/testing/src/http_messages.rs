//! Requests to the functions, and what their responses say.

use lambda_http::{Body, Response};
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;

use crate::salon_harness::{client_address, next_number};

/// Returns the body of a request to reserve half an hour on Tuesday at 10:00, with the changes
/// that a test wants: `"absent"` removes a field. Each is from another customer.
pub fn checkout_body(changes: Value) -> Value {
    let number = next_number();
    let mut body = json!({
        "serviceId": "2.02",
        "date": "2026-11-24",
        "time": "10:00",
        "clientName": "Ada Lovelace",
        "clientPhone": format!("+1 206 {} {:04}", 555 + number / 10_000, number % 10_000),
        "clientEmail": format!("someone{number}@example.com"),
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value == "absent" {
            body.as_object_mut().expect("an object").remove(&name);
        } else {
            body[name] = value;
        }
    }
    body
}

/// Returns a request to reserve, each from another address.
pub fn checkout_event(body: &Value) -> GatewayEvent {
    post_json("/checkout", &body.to_string()).source(&client_address(next_number()))
}

/// Returns a request with a JSON body.
pub fn post_json(path: &str, body: &str) -> GatewayEvent {
    GatewayEvent::new("POST", path).header("content-type", "application/json").body(body)
}

/// Reads a response's JSON.
pub fn json_body(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

/// Returns the status and the error code of a response.
pub fn status_and_code(response: &Response<Body>) -> (u16, String) {
    let code = json_body(response)["error"]["code"].as_str().unwrap_or("none").to_owned();
    (response.status().as_u16(), code)
}

/// Returns the text in a field of a body.
pub fn text_field(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{name} is text in {body}")).to_owned()
}
