//! Limits that a run is judged by.

use crate::markdown;

/// A limit, what was measured, and who needs the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) what: String,
    /// The limit, in words.
    pub(crate) limit: String,
    /// What was measured, in words.
    pub(crate) measured: String,
    pub(crate) is_met: bool,
    /// Who needs the limit, and for what.
    pub(crate) reason: &'static str,
}

/// Writes the bars as a table.
pub(crate) fn table(bars: &[Bar]) -> String {
    let rows = bars.iter().map(|bar| {
        let verdict = if bar.is_met { "met" } else { "**not met**" };
        let Bar { what, limit, measured, reason, .. } = bar.clone();
        [what, limit, measured, verdict.to_owned(), reason.to_owned()]
    });
    markdown::words(["what", "bar", "measured", "", "who needs it"], rows.collect())
}
