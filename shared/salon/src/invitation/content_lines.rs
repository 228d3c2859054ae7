//! Content lines: escaping and folding (RFC 5545, 3.1, 3.2 and 3.3.11).

/// The most octets in a line, without its CRLF.
const MAX_OCTETS: usize = 75;

/// Writes the content lines of a file.
#[derive(Default)]
pub(super) struct ContentLines(String);

impl ContentLines {
    /// Adds a property whose value needs no escaping, such as a number or a time.
    pub(super) fn value(&mut self, name: &str, value: &str) {
        self.fold(&format!("{name}:{value}"));
    }

    /// Adds a property whose value is text, and escapes it.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.fold(&format!("{name}:{}", escaped(text)));
    }

    /// Adds the `ORGANIZER` property.
    pub(super) fn organizer(&mut self, name: &str, address: &str) {
        self.fold(&format!("ORGANIZER;CN=\"{}\":{address}", quotable(name)));
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Folds a long line. Each part after the first begins with a space. Characters
    /// are not split, as some readers unfold characters and not bytes.
    fn fold(&mut self, line: &str) {
        let mut octets = 0;
        for character in line.chars() {
            if octets + character.len_utf8() > MAX_OCTETS {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(character);
            octets += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// Escapes text. Control characters other than line breaks and tabs are not
/// allowed in a file, and are dropped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            '\n' | '\r' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Makes text safe for a quoted parameter, which cannot contain quotes.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parses a value by RFC 5545, independently of the writer.
    fn parse_back(file: &str) -> String {
        let line = file.replace("\r\n ", "");
        let line = line.strip_suffix("\r\n").expect("a line ends");
        assert!(!line.contains(['\r', '\n']), "one property is one line: {line:?}");
        let value = line.strip_prefix("SUMMARY:").expect("the property");
        let mut text = String::new();
        let mut characters = value.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next().expect("something is escaped") {
                    'n' => text.push('\n'),
                    escaped @ ('\\' | ';' | ',') => text.push(escaped),
                    other => panic!("\\{other} is no escape"),
                },
                ';' | ',' => panic!("{character} is escaped in text: {value:?}"),
                _ => text.push(character),
            }
        }
        text
    }

    fn written(text: &str) -> String {
        let mut lines = ContentLines::default();
        lines.text("SUMMARY", text);
        lines.into_text()
    }

    #[test]
    fn a_line_is_folded_only_where_it_would_pass_75_octets() {
        let a = |count| "a".repeat(count);
        let cases = [
            (a(67), format!("SUMMARY:{}\r\n", a(67))),
            (a(68), format!("SUMMARY:{}\r\n a\r\n", a(67))),
            (a(67 + 74), format!("SUMMARY:{}\r\n {}\r\n", a(67), a(74))),
            (a(67 + 75), format!("SUMMARY:{}\r\n {}\r\n a\r\n", a(67), a(74))),
            // Two octets that do not fit into the last one.
            (a(66) + "é", format!("SUMMARY:{}\r\n é\r\n", a(66))),
            (a(65) + "é", format!("SUMMARY:{}é\r\n", a(65))),
        ];
        for (text, expected) in cases {
            assert_eq!(written(&text), expected);
        }
    }

    #[test]
    fn text_is_escaped_and_keeps_no_control_character_but_a_tab() {
        let cases = [
            ("a;b,c\\d", "a\\;b\\,c\\\\d"),
            ("a\nb\rc\r\nd", "a\\nb\\nc\\nd"),
            ("a\tb", "a\tb"),
            ("a\0\u{7}\u{7f}\u{85}b", "ab"),
        ];
        for (text, expected) in cases {
            assert_eq!(written(text), format!("SUMMARY:{expected}\r\n"), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn written_text_is_parsed_back_and_no_line_is_too_long(text in "(?s)[^\r\\p{Cc}]{0,300}") {
            let mut lines = ContentLines::default();
            lines.text("SUMMARY", &text);
            let file = lines.into_text();
            prop_assert!(file.split("\r\n").all(|line| line.len() <= MAX_OCTETS), "{file:?}");
            prop_assert_eq!(parse_back(&file), text);
        }

        #[test]
        fn a_text_cannot_inject_a_property(text in any::<String>()) {
            let mut lines = ContentLines::default();
            lines.text("SUMMARY", &text);
            let file = lines.into_text();
            let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(parse_back(&file), text.chars().filter(kept).collect::<String>());
        }

        #[test]
        fn a_name_cannot_end_its_parameter(name in any::<String>()) {
            let mut lines = ContentLines::default();
            lines.organizer(&name, "mailto:a@b.example");
            let line = lines.into_text().replace("\r\n ", "");
            let name = line.strip_prefix("ORGANIZER;CN=\"").expect("the property");
            let name = name.strip_suffix("\":mailto:a@b.example\r\n").expect("the address");
            prop_assert!(!name.contains(['"', '\r', '\n']), "{line:?}");
        }
    }
}
