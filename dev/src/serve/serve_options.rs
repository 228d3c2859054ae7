//! The command line of `cargo dev serve`.

use std::path::PathBuf;

use clap::Args;
use clap::value_parser;

use super::calendar_option::CalendarSource;
use stand_ins::sandbox::{Debits, Refunds, Webhooks};

/// The command line of `cargo dev serve`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Port of the API
    #[arg(long, value_name = "PORT", default_value_t = 9000, value_parser = value_parser!(u16).range(1..))]
    pub api_port: u16,

    /// Port of the embedded database
    #[arg(long, value_name = "PORT", default_value_t = 8000, value_parser = value_parser!(u16).range(1..))]
    pub dynamodb_port: u16,

    /// Port of the payment sandbox
    #[arg(long, value_name = "PORT", default_value_t = 12_111, value_parser = value_parser!(u16).range(1..))]
    pub sandbox_port: u16,

    /// Port of the fake Google
    #[arg(long, value_name = "PORT", default_value_t = 8085, value_parser = value_parser!(u16).range(1..))]
    pub google_port: u16,

    /// Port of the mailbox, which stands in for Amazon SES
    #[arg(long, value_name = "PORT", default_value_t = 8025, value_parser = value_parser!(u16).range(1..))]
    pub mail_port: u16,

    /// Build the functions in release mode, as deployed
    #[arg(long)]
    pub release: bool,

    /// Maximum number of instances of each function; each serves one request at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=100))]
    pub concurrency: u16,

    /// Start with empty data
    #[arg(long)]
    pub fresh: bool,

    /// The salon file [default: salon.toml at the root of the repository]
    #[arg(long, value_name = "FILE")]
    pub salon: Option<PathBuf>,

    /// Give every staff member this calendar: an iCal file, which is read again when it changes,
    /// a URL, or `google` for an empty calendar each at the fake Google
    #[arg(long, value_name = "FILE|URL|google")]
    pub calendar: Option<CalendarSource>,

    /// Response time of the payment sandbox, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u64).range(..=600_000))]
    pub stripe_latency_ms: u64,

    /// Requests per second that the payment sandbox allows; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub stripe_rate: u32,

    /// How the payment sandbox delivers webhooks
    #[arg(long, value_enum, default_value_t = Webhooks::On)]
    pub webhooks: Webhooks,

    /// How refunds end at the payment sandbox
    #[arg(long, value_enum, default_value_t = Refunds::Ok)]
    pub refunds: Refunds,

    /// How bank debits end at the payment sandbox
    #[arg(long, value_enum, default_value_t = Debits::ByHand)]
    pub debits: Debits,

    /// Use the live key in `STRIPE_SECRET_KEY`: real cards are charged
    #[arg(long)]
    pub allow_live_key: bool,
}

impl Options {
    #[must_use]
    pub fn api_url(&self) -> String {
        local_url(self.api_port)
    }

    pub(super) fn dynamodb_url(&self) -> String {
        local_url(self.dynamodb_port)
    }

    pub(super) fn sandbox_url(&self) -> String {
        local_url(self.sandbox_port)
    }

    /// The URL to which the payment sandbox sends webhooks.
    pub(super) fn webhook_url(&self) -> String {
        format!("{}/stripe/webhook", self.api_url())
    }

    /// The URL whose POST invokes a function that has no route.
    pub(super) fn invocation_url(&self, function: &str) -> String {
        format!("{}/2015-03-31/functions/{function}/invocations", self.api_url())
    }

    pub(super) fn mail_url(&self) -> String {
        local_url(self.mail_port)
    }

    pub(super) fn google_url(&self) -> String {
        local_url(self.google_port)
    }
}

fn local_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

#[cfg(test)]
pub(super) fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }
    let arguments = std::iter::once("dev").chain(arguments.iter().copied());
    <Line as clap::Parser>::try_parse_from(arguments).map(|line| line.options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_default() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.api_url(), "http://127.0.0.1:9000");
        assert_eq!(options.dynamodb_url(), "http://127.0.0.1:8000");
        assert_eq!(options.sandbox_url(), "http://127.0.0.1:12111");
        assert_eq!(options.google_url(), "http://127.0.0.1:8085");
        assert_eq!(options.mail_url(), "http://127.0.0.1:8025");
        assert_eq!(options.concurrency, 1);
        assert_eq!(options.stripe_rate, 25);
        assert_eq!(options.webhook_url(), "http://127.0.0.1:9000/stripe/webhook");
        assert_eq!(options.webhooks, Webhooks::On);
        assert_eq!(options.refunds, Refunds::Ok);
        assert!(!options.release && !options.fresh && !options.allow_live_key);
    }

    #[test]
    fn failures_of_the_sandbox_are_options() {
        for word in ["on", "lost", "double", "late", "shuffled"] {
            assert!(parse(&["--webhooks", word]).is_ok(), "{word}");
        }
        let options = parse(&["--refunds", "failing", "--debits", "bounce"]).unwrap();
        assert_eq!(options.refunds, Refunds::Failing);
        assert_eq!(options.debits, Debits::Bounce);
        assert!(parse(&["--webhooks", "sometimes"]).is_err());
    }

    #[test]
    fn ports_and_counts_out_of_range_are_refused() {
        for arguments in [
            ["--api-port", "0"],
            ["--api-port", "65536"],
            ["--concurrency", "0"],
            ["--stripe-latency-ms", "-1"],
        ] {
            assert!(parse(&arguments).is_err(), "{arguments:?} should be refused");
        }
    }
}
