//! Many visitors, one chair.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::Harness;
use testing::http_messages::{checkout_body, json_body, status_and_code};

#[tokio::test]
async fn one_of_200_visitors_gets_the_same_time() {
    let harness = Harness::new().await;
    let bodies: Vec<Value> = (0..200).map(|_| checkout_body(json!({}))).collect();
    let responses = join_all(bodies.iter().map(|body| harness.reserve(body))).await;
    let won = responses.iter().filter(|response| response.status() == 201).count();
    assert_eq!(won, 1);
    for response in responses.iter().filter(|response| response.status() != 201) {
        assert_eq!(status_and_code(response), (409, "slot_taken".to_owned()));
        let body = json_body(response);
        let alternatives = body["error"]["alternatives"].as_array().expect("a list");
        assert_eq!(alternatives.len(), 5);
        assert!(!alternatives.contains(&json!("2026-11-24T10:00:00-08:00")));
    }
    assert_eq!(harness.sessions_requested(), 1, "who does not get it costs Stripe nothing");
    harness.check_invariants();
}

#[tokio::test]
async fn overlapping_requests_win_as_many_times_as_fit() {
    let harness = Harness::new().await;
    // Half an hour to three hours, at every quarter from 10:00 to 16:00.
    let services = ["2.02", "1.01", "1.09", "2.04", "2.03"];
    let body = |number: usize| {
        let quarter = number % 25;
        let time = format!("{:02}:{:02}", 10 + quarter / 4, quarter % 4 * 15);
        checkout_body(json!({"serviceId": services[number % services.len()], "time": time}))
    };
    let bodies: Vec<Value> = (0..200).map(body).collect();
    let responses = join_all(bodies.iter().map(|body| harness.reserve(body))).await;
    harness.check_invariants();
    let won = responses.iter().filter(|response| response.status() == 201).count();
    assert_eq!(won, harness.entries("s1", "2026-11-24").await.len());
    // Nobody was turned away for a time that is free now.
    let refused = responses.iter().zip(&bodies).filter(|(response, _)| response.status() != 201);
    let mut again = HashSet::new();
    for (response, body) in refused {
        assert_eq!(status_and_code(response), (409, "slot_taken".to_owned()));
        if again.insert((body["serviceId"].to_string(), body["time"].to_string())) {
            let mut same = body.clone();
            same["clientEmail"] = json!("another@example.com");
            let response = harness
                .reserve(&checkout_body(json!({
                    "serviceId": body["serviceId"], "time": body["time"]
                })))
                .await;
            assert_eq!(status_and_code(&response), (409, "slot_taken".to_owned()), "{same}");
        }
    }
}
