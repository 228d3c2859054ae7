//! Identifiers that look like Stripe's.

use std::iter;

/// Returns `prefix` with `length` random letters and digits.
pub(super) fn random(prefix: &str, length: usize) -> String {
    let random = iter::repeat_with(fastrand::alphanumeric).take(length);
    prefix.chars().chain(random).collect()
}
