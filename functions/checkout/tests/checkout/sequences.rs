//! Random sequences of what visitors do, over two people and two days.

use availability::Availability;
use jiff::SignedDuration;
use openchair::busy::{BusyReader, NoCalendars};
use proptest::prelude::*;
use salon::booking::State;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;

use crate::harness::Harness;
use testing::http_messages::{
    checkout_body, checkout_event, json_body, status_and_code, text_field,
};

#[derive(Clone, Debug)]
enum Step {
    Hold { service: &'static str, day: u8, quarter: u8, staff: Option<u8>, key: u8 },
    Resume(prop::sample::Index),
    Pay(prop::sample::Index),
    Look(prop::sample::Index),
    Cancel(prop::sample::Index),
    Wait { minutes: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let hold = (
        prop::sample::select(&["2.02", "1.01", "1.09", "2.04"][..]),
        24_u8..26,
        0_u8..36,
        prop::option::of(1_u8..=2),
        any::<u8>(),
    );
    prop_oneof![
        6 => hold.prop_map(|(service, day, quarter, staff, key)| {
            Step::Hold { service, day, quarter, staff, key }
        }),
        1 => any::<Index>().prop_map(Step::Resume),
        2 => any::<Index>().prop_map(Step::Pay),
        2 => any::<Index>().prop_map(Step::Look),
        2 => any::<Index>().prop_map(Step::Cancel),
        2 => (1_i64..45).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// A hold that was made, and the request that made it.
struct Made {
    event: GatewayEvent,
    body: Value,
}

async fn take(harness: &Harness, step: Step, made: &mut Vec<Made>) {
    match step {
        Step::Hold { service, day, quarter, staff, key } => {
            let time = format!("{:02}:{:02}", 10 + quarter / 4, quarter % 4 * 15);
            let body = checkout_body(json!({
                "serviceId": service, "date": format!("2026-11-{day}"), "time": time,
                "staffId": staff.map(|number| format!("s{number}")),
            }));
            let key = format!("a-random-key-{key}-{}", made.len());
            let event = checkout_event(&body).header("idempotency-key", &key);
            let response = harness.send(&event).await;
            match response.status().as_u16() {
                201 => made.push(Made { event, body: json_body(&response) }),
                _ => assert!([409, 422].contains(&status_and_code(&response).0), "{response:?}"),
            }
        }
        Step::Wait { minutes } => harness.clock.advance(SignedDuration::from_mins(minutes)),
        _ if made.is_empty() => {}
        Step::Resume(index) => {
            let Made { event, body } = index.get(made);
            let again = json_body(&harness.send(event).await);
            assert_eq!(again["bookingId"], body["bookingId"]);
            assert_eq!(again["sessionId"], body["sessionId"]);
        }
        Step::Pay(index) => {
            // Refused if it is over.
            let _ = harness.stripe().pay(&text_field(&index.get(made).body, "sessionId"));
        }
        Step::Look(index) => {
            let id = text_field(&index.get(made).body, "bookingId");
            assert_eq!(harness.get(&format!("/bookings/{id}")).await.status(), 200);
        }
        Step::Cancel(index) => {
            let body = &index.get(made).body;
            let (id, token) = (text_field(body, "bookingId"), text_field(body, "manageToken"));
            let response = harness.cancel(&id, &token).await;
            assert!([200, 409].contains(&response.status().as_u16()), "{response:?}");
        }
    }
}

/// Tries every time of a day: what is offered is accepted, and nothing else.
async fn offered_is_accepted(harness: &Harness, day: u8) {
    let reader = BusyReader::new(harness.store.clone(), NoCalendars, harness.clock.clone());
    let availability = Availability::new((*harness.salon).clone(), reader);
    let target = format!("/availability?service=1.01&from=2026-11-{day}&days=1");
    let event = GatewayEvent::new("GET", &target).header("cache-control", "no-cache");
    let shown = json_body(&availability.handle(event.request()).await);
    let offered: Vec<String> = shown["days"][0]["starts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|start| text_field(start, "start"))
        .collect();
    for quarter in 0..40_u8 {
        let time = format!("{:02}:{:02}", 9 + quarter / 4, quarter % 4 * 15);
        let body = checkout_body(json!({
            "serviceId": "1.01", "date": format!("2026-11-{day}"), "time": time,
        }));
        let response = harness.reserve(&body).await;
        let is_offered = offered.contains(&format!("2026-11-{day}T{time}:00-08:00"));
        if response.status() == 201 {
            assert!(is_offered, "{time} was not offered, and accepted");
            let body = json_body(&response);
            let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
            assert_eq!(harness.cancel(&id, &token).await.status(), 200);
        } else if is_offered {
            // Only a hold that was due, and turned out to be paid, may do this.
            assert_eq!(status_and_code(&response).1, "slot_taken", "{time} was offered");
            let taken = harness.store.bookings().into_iter().any(|booking| {
                booking.state == State::Confirmed && booking.changed_at >= harness.clock.now()
            });
            assert!(taken, "{time} was offered, and nothing has been settled since");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn day_sheets_stay_consistent_and_every_offered_time_is_accepted(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let two = |file: String| file + "[[staff]]\nid = \"s2\"\nname = \"Second\"\n";
            let harness = Harness::with_salon(two).await;
            let mut made = Vec::new();
            for step in steps {
                take(&harness, step, &mut made).await;
                harness.check_invariants();
            }
            for day in 24..26 {
                offered_is_accepted(&harness, day).await;
            }
            harness.check_invariants();
        });
    }
}
