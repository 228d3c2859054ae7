//! A page that shows all calendars.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use super::{FakeGoogle, GoogleEvent};

const STYLE: &str = "
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1rem; max-width: 44rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h2 { margin-top: 2rem; font-size: 1.1rem; }
article { margin: 0.75rem 0; padding: 0.75rem 1rem; border: 1px solid #8886; border-radius: 0.75rem; }
article p { margin: 0.25rem 0; white-space: pre-line; }
.deleted { opacity: 0.55; text-decoration: line-through; }
small { opacity: 0.7; }
";

pub(super) fn router(google: FakeGoogle) -> Router {
    Router::new().route("/", get(show)).with_state(google)
}

async fn show(State(google): State<FakeGoogle>) -> Html<String> {
    let state = google.state();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Fake Google Calendar" }
                style { (STYLE) }
            }
            body {
                h1 { "Fake Google Calendar" }
                @if state.calendars.is_empty() {
                    p { "There are no calendars: start with " code { "--calendar google" } "." }
                }
                @for (id, busy) in &state.calendars {
                    h2 { "Calendar " (id) }
                    @for busy in busy.iter() {
                        article { p { "Busy" } p { small { (busy.start()) " to " (busy.end()) } } }
                    }
                    @for event in state.events.of(id) {
                        (event_view(&event))
                    }
                    @if busy.iter().next().is_none() && state.events.of(id).is_empty() {
                        p { small { "This calendar is empty." } }
                    }
                }
            }
        }
    };
    Html(page.into_string())
}

fn event_view(event: &GoogleEvent) -> Markup {
    html! {
        article class=[event.is_deleted().then_some("deleted")] {
            p { strong { (event.summary) } }
            p { small { (event.start.date_time) " to " (event.end.date_time) } }
            p { (event.description) }
            @if let Some(location) = &event.location {
                p { small { (location) } }
            }
        }
    }
}
