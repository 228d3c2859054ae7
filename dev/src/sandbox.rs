//! The payment sandbox.
