//! A TOML reader that continues after a problem, so that all are reported together.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A problem in a salon file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    line: usize,
    key: String,
    message: String,
}

/// `line 12: services[3].price: is negative`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "line {}: {}", self.line, self.message)
        } else {
            write!(f, "line {}: {}: {}", self.line, self.key, self.message)
        }
    }
}

/// Collects the problems of a file.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Reader<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::new(Vec::new()) }
    }

    /// Records a problem at a byte range of the text.
    pub(super) fn report(&self, span: &Range<usize>, key: &str, message: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.problems.borrow_mut().push(Problem {
            line,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// Returns the problems, ordered by line.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }
}

/// A table of the file.
pub(super) struct Table<'r, 't> {
    reader: &'r Reader<'t>,
    path: String,
    span: Range<usize>,
    entries: &'r DeTable<'t>,
}

impl<'r, 't> Table<'r, 't> {
    /// Opens a table and reports all keys that are not `known`.
    pub(super) fn open(
        reader: &'r Reader<'t>,
        path: String,
        span: Range<usize>,
        entries: &'r DeTable<'t>,
        known: &[&str],
    ) -> Self {
        let table = Self { reader, path, span, entries };
        for key in entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let hint = nearest(name, known.iter().copied());
            let hint = hint.map_or_else(
                || format!("the known keys are {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            reader.report(&key.span(), &table.key(name), format!("is not a known key; {hint}"));
        }
        table
    }

    /// Returns the value of a key, if present.
    pub(super) fn optional(&self, key: &str) -> Option<Field<'r, 't>> {
        let value = self.entries.get(key)?;
        Some(Field {
            reader: self.reader,
            path: self.key(key),
            span: value.span(),
            value: value.get_ref(),
        })
    }

    /// Returns the value of a key, and reports it if it is missing.
    pub(super) fn required(&self, key: &str, meaning: &str) -> Option<Field<'r, 't>> {
        let field = self.optional(key);
        if field.is_none() {
            self.reader.report(&self.span, &self.key(key), format!("is missing: {meaning}"));
        }
        field
    }

    /// Reports a problem with the table as a whole.
    pub(super) fn report(&self, message: impl Into<String>) {
        self.reader.report(&self.span, &self.path, message);
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// A value of the file, with its place in it.
pub(super) struct Field<'r, 't> {
    reader: &'r Reader<'t>,
    path: String,
    span: Range<usize>,
    value: &'r DeValue<'t>,
}

impl<'r, 't> Field<'r, 't> {
    /// Reports a problem with the value.
    pub(super) fn report(&self, message: impl Into<String>) {
        self.reader.report(&self.span, &self.path, message);
    }

    /// Reports what was expected if there is no value.
    pub(super) fn expect<T>(&self, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() {
            self.report(format!("must be {expected}"));
        }
        value
    }

    /// Reads text that is neither empty nor longer than 200 characters.
    pub(super) fn text(&self) -> Option<&'r str> {
        let fits = |text: &&str| (1..=200).contains(&text.trim().chars().count());
        self.expect(self.value.as_str().filter(fits), "text of 1 to 200 characters")
    }

    /// Reads a whole number in a range.
    pub(super) fn integer<T: TryFrom<i64> + Copy + PartialOrd + fmt::Display>(
        &self,
        allowed: RangeInclusive<T>,
        unit: &str,
    ) -> Option<T> {
        let number =
            self.as_integer().and_then(|n| T::try_from(n).ok()).filter(|n| allowed.contains(n));
        self.expect(
            number,
            &format!("a whole number of {unit} from {} to {}", allowed.start(), allowed.end()),
        )
    }

    /// Returns the value if it is an integer. Reports nothing.
    pub(super) fn as_integer(&self) -> Option<i64> {
        let integer = self.value.as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// Returns the value if it is text. Reports nothing.
    pub(super) fn as_text(&self) -> Option<&'r str> {
        self.value.as_str()
    }

    /// Returns the value's text if it is a date or a time. Reports nothing.
    pub(super) fn as_datetime(&self) -> Option<String> {
        self.value.as_datetime().map(ToString::to_string)
    }

    /// Returns the value if it is a boolean. Reports nothing.
    pub(super) fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Reads a table with `known` keys.
    pub(super) fn table(&self, known: &[&str]) -> Option<Table<'r, 't>> {
        let entries =
            self.expect(self.value.as_table(), &format!("a table with {}", known.join(", ")))?;
        Some(Table::open(self.reader, self.path.clone(), self.span.clone(), entries, known))
    }

    /// Reads a list.
    pub(super) fn list(&self, of: &str) -> Vec<Self> {
        let items =
            self.expect(self.value.as_array(), &format!("a list of {of}")).into_iter().flatten();
        let numbered =
            items.enumerate().map(|(index, item): (usize, &'r Spanned<DeValue<'t>>)| Self {
                reader: self.reader,
                path: format!("{}[{}]", self.path, index + 1),
                span: item.span(),
                value: item.get_ref(),
            });
        numbered.collect()
    }
}

/// Returns the candidate most similar to `name`, if any is similar enough.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const MIN_SIMILARITY: f64 = 0.6;
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate));
    scored
        .filter(|(score, _)| *score >= MIN_SIMILARITY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
