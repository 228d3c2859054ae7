//! Mutations of text.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Text that has broken programs before.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\"",
    "<script>",
    "'; --",
    "#",
    "?",
    "&",
    "=",
    "%",
    "%00",
    "%zz",
    "+",
    "\\",
    "/../",
    "//",
    "\0",
    "\n",
    "\r\n\r\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "👩‍🎨",
    "https,http",
    ":99999",
    "[::1",
    "xn--a",
    "@",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "9223372036854775808",
    "18446744073709551616",
    "0000-00-00",
    "9999-12-31",
    "-009999-01-01",
    "2026-02-30",
    "24:00",
    "23:59",
    "99:99",
    "2026-11-24T10:00:00+25:59",
    "9999-12-31T23:59:59.999999999-25:59",
    "Pacific/Apia",
    "{}",
    "[[",
    "]]",
    "\"\"\"",
];

/// Makes short text of any kind.
pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(HOSTILE).prop_map(str::to_owned),
        2 => "[ -~]{0,24}",
        2 => any::<String>(),
        1 => (select(HOSTILE), 1_usize..3_000).prop_map(|(text, times)| text.repeat(times)),
    ]
}

/// Replaces parts of `base` with other text, or with other parts of it.
pub fn mutated(base: String) -> impl Strategy<Value = String> {
    let part = (any::<Index>(), 0_usize..24);
    let replacement =
        prop_oneof![any_text().prop_map(Ok), "[0-9]{1,20}".prop_map(Ok), part.prop_map(Err),];
    let edit = (any::<Index>(), prop_oneof![Just(0_usize), 1_usize..12], replacement);
    prop::collection::vec(edit, 1..5).prop_map(move |edits| {
        let mut text = base.clone();
        for (at, length, replacement) in edits {
            let new = replacement.unwrap_or_else(|(at, length)| part_of(&base, at, length).1);
            let (start, old) = part_of(&text, at, length);
            text.replace_range(start..start + old.len(), &new);
        }
        text
    })
}

/// Returns a part of a text and where it starts, of at most `length` characters.
fn part_of(text: &str, at: Index, length: usize) -> (usize, String) {
    let start = text.floor_char_boundary(at.index(text.len() + 1));
    (start, text[start..].chars().take(length).collect())
}
