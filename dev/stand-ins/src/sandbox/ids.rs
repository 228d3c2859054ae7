//! Identifiers that look like Stripe's.

use std::iter;

/// Makes an identifier of `prefix` and `length` random letters and digits.
pub(super) fn random(prefix: &str, length: usize) -> String {
    let random = iter::repeat_with(fastrand::alphanumeric).take(length);
    prefix.chars().chain(random).collect()
}
