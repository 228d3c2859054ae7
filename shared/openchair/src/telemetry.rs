//! The log, as JSON on Lambda and as readable lines on a terminal, and the metrics.

pub mod metrics;

use std::any::Any;
use std::panic::{self, Location};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log, on standard output, and on Lambda the metrics. Panics are logged from then on.
///
/// `AWS_LAMBDA_LOG_FORMAT` selects `JSON` or, with any other value, readable lines.
/// `AWS_LAMBDA_LOG_LEVEL` is the minimum level, `INFO` by default.
/// Lambda sets both from the function's logging configuration
/// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>).
pub fn init() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let level = level(&variable("AWS_LAMBDA_LOG_LEVEL"));
    // The runtime opens a span with the request id around every invocation. Our own line
    // has the id, and the span would cost more than the line.
    let filter = Targets::new()
        .with_default(level)
        .with_target("lambda_runtime", level.min(LevelFilter::WARN))
        // At finer levels these log whole requests and responses, with personal data.
        .with_target("aws_", level.min(LevelFilter::INFO))
        .with_target("hyper", level.min(LevelFilter::INFO));
    let log = tracing_subscriber::registry().with(filter);
    if variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        let lines = fmt::layer().with_target(false).json().flatten_event(true);
        log.with(lines.with_current_span(false).with_span_list(false)).init();
        metrics::init(variable("METRICS_NAMESPACE"));
    } else {
        log.with(fmt::layer().with_target(false).compact().without_time()).init();
    }
    panic::set_hook(Box::new(|panic| log_panic(panic.location(), panic.payload())));
}

/// Logs a panic, instead of the message that goes to standard error by default.
///
/// Only a literal message is logged. One that is put together may quote what a client sent:
/// `expect` quotes the error, and a bad index quotes the text.
fn log_panic(location: Option<&Location<'_>>, payload: &(dyn Any + Send)) {
    tracing::error!(
        panic.location = location.map(tracing::field::display),
        panic.message = payload.downcast_ref::<&'static str>(),
        "Panic"
    );
}

fn level(named: &str) -> LevelFilter {
    // tracing reads nothing as ERROR.
    if named.is_empty() { LevelFilter::INFO } else { named.parse().unwrap_or(LevelFilter::INFO) }
}

/// Logs why a function cannot start, with all causes, as its last line.
///
/// The causes are in the message, so that the line is readable on a terminal too.
pub fn log_start_failure(error: &(dyn std::error::Error + 'static)) {
    tracing::error!("The function cannot start: {}", chain(error));
}

/// Returns an error and its causes in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_info_unless_another_is_named() {
        let table = [
            ("", LevelFilter::INFO),
            ("loud", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("debug", LevelFilter::DEBUG),
        ];
        for (named, expected) in table {
            assert_eq!(level(named), expected, "{named:?}");
        }
    }
}
