//! The layout of all pages.

use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");

/// Wraps `content`, which has the elements of the body. `class` selects the style of the page.
pub(crate) fn page(title: &str, class: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class=(class) { (content) }
        }
    };
    Html(page.into_string())
}
