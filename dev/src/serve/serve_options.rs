//! The command line of `cargo dev serve`.

use std::path::PathBuf;

use clap::Args;
use clap::value_parser;

use super::calendar_option::CalendarSource;
use stand_ins::sandbox::{Debits, Refunds, Webhooks};

/// What a developer can choose.
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

    /// Port of the mailbox, which takes the mails in the place of Amazon SES
    #[arg(long, value_name = "PORT", default_value_t = 8025, value_parser = value_parser!(u16).range(1..))]
    pub mail_port: u16,

    /// Build the functions with optimisations, as they are deployed
    #[arg(long)]
    pub release: bool,

    /// Instances of each function, at most; one instance serves one request at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=100))]
    pub concurrency: u16,

    /// Start with empty data
    #[arg(long)]
    pub fresh: bool,

    /// The salon to serve [default: salon.toml at the root of the repository]
    #[arg(long, value_name = "FILE")]
    pub salon: Option<PathBuf>,

    /// Give everybody at the salon this calendar: an iCal file, re-read when it changes, an
    /// address, or `google` for an empty one each at the fake Google
    #[arg(long, value_name = "FILE|URL|google")]
    pub calendar: Option<CalendarSource>,

    /// How long the payment sandbox takes to answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u64).range(..=600_000))]
    pub stripe_latency_ms: u64,

    /// Requests a second that the payment sandbox allows; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub stripe_rate: u32,

    /// What happens to the payment sandbox's webhooks on their way
    #[arg(long, value_enum, default_value_t = Webhooks::On)]
    pub webhooks: Webhooks,

    /// What becomes of refunds at the payment sandbox
    #[arg(long, value_enum, default_value_t = Refunds::Ok)]
    pub refunds: Refunds,

    /// What becomes of bank debits at the payment sandbox
    #[arg(long, value_enum, default_value_t = Debits::ByHand)]
    pub debits: Debits,

    /// Use the live key in `STRIPE_SECRET_KEY`: real cards are charged
    #[arg(long)]
    pub allow_live_key: bool,
}

impl Options {
    /// Where the API answers.
    #[must_use]
    pub fn api_url(&self) -> String {
        local_url(self.api_port)
    }

    /// Where the embedded `DynamoDB` answers.
    #[must_use]
    pub fn dynamodb_url(&self) -> String {
        local_url(self.dynamodb_port)
    }

    /// Where the payment sandbox answers.
    #[must_use]
    pub fn sandbox_url(&self) -> String {
        local_url(self.sandbox_port)
    }

    /// Where the payment sandbox sends its webhooks.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}/stripe/webhook", self.api_url())
    }

    /// Where `reconcile` is run by a POST, as by the deployed schedule.
    #[must_use]
    pub fn reconcile_url(&self) -> String {
        format!("{}/2015-03-31/functions/reconcile/invocations", self.api_url())
    }

    /// Where `notify` is given records of the stream, as by the deployed mapping, or
    /// reminds, as by the deployed schedule.
    #[must_use]
    pub fn notify_url(&self) -> String {
        format!("{}/2015-03-31/functions/notify/invocations", self.api_url())
    }

    /// Where the mailbox answers.
    #[must_use]
    pub fn mail_url(&self) -> String {
        local_url(self.mail_port)
    }

    /// Where the fake Google answers.
    #[must_use]
    pub fn google_url(&self) -> String {
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
    fn everything_has_a_default() {
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
    fn what_goes_wrong_at_the_sandbox_is_chosen_by_words() {
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
