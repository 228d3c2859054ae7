//! Claims all ports before anything starts.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::payment_provider::PaymentProvider;
use super::{Error, Options};

/// A listener on every port that `cargo dev` uses.
#[derive(Debug)]
pub(super) struct Ports {
    /// Dropped just before `cargo lambda watch` listens on the port.
    pub(super) api: TcpListener,
    pub(super) dynamodb: TcpListener,
    pub(super) google: TcpListener,
    pub(super) mail: TcpListener,
    /// `None` if payments go to Stripe.
    pub(super) sandbox: Option<TcpListener>,
}

/// A port, its purpose and the option that sets it.
type Port = (u16, &'static str, &'static str);

impl Ports {
    /// Claims every port on 127.0.0.1. The error lists all ports that are not available.
    pub(super) async fn claim(options: &Options, payments: PaymentProvider) -> Result<Self, Error> {
        let [api, dynamodb, sandbox] = always(options);
        let google = (options.google_port, "the fake Google", "--google-port");
        let mail = (options.mail_port, "the mailbox", "--mail-port");
        let mut wanted = vec![api, dynamodb, google, mail];
        if payments == PaymentProvider::Sandbox {
            wanted.push(sandbox);
        }
        let mut listeners = claim_all(&wanted).await?.into_iter();
        let mut next = || listeners.next().expect("there is one listener per port");
        let (api, dynamodb, google, mail) = (next(), next(), next(), next());
        Ok(Self { api, dynamodb, google, mail, sandbox: listeners.next() })
    }

    /// Claims the ports of the API, the database and the sandbox, in this order.
    pub(super) async fn claim_three(options: &Options) -> Result<[TcpListener; 3], Error> {
        let listeners = claim_all(&always(options)).await?;
        Ok(listeners.try_into().expect("there is one listener per port"))
    }
}

fn always(options: &Options) -> [Port; 3] {
    [
        (options.api_port, "the API", "--api-port"),
        (options.dynamodb_port, "the embedded DynamoDB", "--dynamodb-port"),
        (options.sandbox_port, "the payment sandbox", "--sandbox-port"),
    ]
}

async fn claim_all(wanted: &[Port]) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    let mut problems = Vec::new();
    for (index, (number, purpose, option)) in wanted.iter().enumerate() {
        let same = wanted[..index].iter().find(|(earlier, ..)| earlier == number);
        let problem = match (same, TcpListener::bind((Ipv4Addr::LOCALHOST, *number)).await) {
            (Some((_, _, other)), _) => format!("is also used by {other}"),
            (None, Err(error)) if error.kind() == io::ErrorKind::AddrInUse => "is in use".into(),
            (None, Err(error)) => format!("cannot be used ({error})"),
            (None, Ok(listener)) => {
                listeners.push(listener);
                continue;
            }
        };
        problems
            .push(format!("port {number}, for {purpose}, {problem}: choose another with {option}"));
    }
    if problems.is_empty() {
        Ok(listeners)
    } else {
        Err(Error::Problem(problems.join("\n       ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::serve_options::parse;

    async fn free_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    }

    async fn messages(arguments: [u16; 3], payments: PaymentProvider) -> Vec<String> {
        let [api, dynamodb, sandbox] = arguments.map(|port| port.to_string());
        let (google, mail) = (free_port().await.to_string(), free_port().await.to_string());
        let mut line = vec!["--api-port", &api, "--dynamodb-port", &dynamodb];
        line.extend(["--sandbox-port", &sandbox, "--google-port", &google, "--mail-port", &mail]);
        let options = parse(&line).unwrap();
        match Ports::claim(&options, payments).await {
            Ok(_) => Vec::new(),
            Err(Error::Problem(busy)) => busy.lines().map(|line| line.trim().to_owned()).collect(),
            Err(other) => panic!("unexpected: {other}"),
        }
    }

    #[tokio::test]
    async fn a_busy_port_is_reported_with_its_purpose_and_option() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let busy = listener.local_addr().unwrap().port();
        let ports = [free_port().await, busy, free_port().await];
        assert_eq!(
            messages(ports, PaymentProvider::Sandbox).await,
            [format!(
                "port {busy}, for the embedded DynamoDB, is in use: \
                 choose another with --dynamodb-port"
            )]
        );
    }

    #[tokio::test]
    async fn two_options_with_the_same_port_are_refused() {
        let port = free_port().await;
        assert_eq!(
            messages([free_port().await, port, port], PaymentProvider::Sandbox).await,
            [format!(
                "port {port}, for the payment sandbox, is also used by --dynamodb-port: \
                 choose another with --sandbox-port"
            )]
        );
    }

    #[tokio::test]
    async fn the_sandbox_needs_no_port_when_payments_go_to_stripe() {
        let port = free_port().await;
        let stripe = PaymentProvider::Stripe { live: false };
        assert_eq!(messages([free_port().await, port, port], stripe).await, [""; 0]);
    }
}
