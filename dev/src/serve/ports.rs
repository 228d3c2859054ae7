//! Claims all ports before anything starts.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

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

#[derive(Clone, Copy, Debug)]
struct Port {
    number: u16,
    purpose: &'static str,
    option: &'static str,
}

/// A port that is not available, and the reason.
#[derive(Debug)]
pub struct BusyPort {
    port: Port,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    /// Another option has the same port.
    SameAs(&'static str),
    InUse(Option<Process>),
    Other(io::Error),
}

#[derive(Debug, PartialEq)]
struct Process {
    id: u32,
    name: String,
}

impl Ports {
    /// Claims every port on 127.0.0.1. The error lists all ports that are not available.
    pub(super) fn claim(options: &Options, payments: PaymentProvider) -> Result<Self, Error> {
        let mut wanted = vec![
            Port::api(options),
            Port::dynamodb(options),
            Port::google(options),
            Port::mail(options),
        ];
        if payments == PaymentProvider::Sandbox {
            wanted.push(Port::sandbox(options));
        }
        let mut listeners = claim_all(&wanted)?.into_iter();
        let mut next = || listeners.next().expect("there is one listener per port");
        let (api, dynamodb, google, mail) = (next(), next(), next(), next());
        Ok(Self { api, dynamodb, google, mail, sandbox: listeners.next() })
    }

    /// Claims the ports of the API, the database and the sandbox, in this order.
    pub(super) fn claim_three(options: &Options) -> Result<[TcpListener; 3], Error> {
        let wanted = [Port::api(options), Port::dynamodb(options), Port::sandbox(options)];
        Ok(claim_all(&wanted)?.try_into().expect("there is one listener per port"))
    }
}

impl Port {
    fn api(options: &Options) -> Self {
        Self { number: options.api_port, purpose: "the API", option: "--api-port" }
    }

    fn dynamodb(options: &Options) -> Self {
        let purpose = "the embedded DynamoDB";
        Self { number: options.dynamodb_port, purpose, option: "--dynamodb-port" }
    }

    fn google(options: &Options) -> Self {
        Self { number: options.google_port, purpose: "the fake Google", option: "--google-port" }
    }

    fn mail(options: &Options) -> Self {
        Self { number: options.mail_port, purpose: "the mailbox", option: "--mail-port" }
    }

    fn sandbox(options: &Options) -> Self {
        let purpose = "the payment sandbox";
        Self { number: options.sandbox_port, purpose, option: "--sandbox-port" }
    }
}

fn claim_all(wanted: &[Port]) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    let mut busy = Vec::new();
    for (index, port) in wanted.iter().enumerate() {
        match claim(*port, &wanted[..index]) {
            Ok(listener) => listeners.push(listener),
            Err(problem) => busy.push(problem),
        }
    }
    if busy.is_empty() { Ok(listeners) } else { Err(Error::Ports(busy)) }
}

fn claim(port: Port, earlier: &[Port]) -> Result<TcpListener, BusyPort> {
    if let Some(same) = earlier.iter().find(|other| other.number == port.number) {
        return Err(BusyPort { port, reason: Reason::SameAs(same.option) });
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number));
    listener
        .and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
        .map_err(|error| BusyPort {
            port,
            reason: match error.kind() {
                io::ErrorKind::AddrInUse => Reason::InUse(owner::of(port.number)),
                _ => Reason::Other(error),
            },
        })
}

impl fmt::Display for BusyPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Port { number, purpose, option } = self.port;
        write!(f, "port {number}, for {purpose}, ")?;
        match &self.reason {
            Reason::SameAs(other) => write!(f, "is also used by {other}")?,
            Reason::InUse(None) => write!(f, "is in use")?,
            Reason::InUse(Some(Process { id, name })) => {
                write!(f, "is in use by {name} (process {id})")?;
            }
            Reason::Other(error) => write!(f, "cannot be used ({error})")?,
        }
        write!(f, ": choose another with {option}")
    }
}

/// Finds the process that listens on a port. Works on Linux only.
mod owner {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    use super::Process;

    /// Returns `None` on other systems, or without permission to read the process.
    pub(super) fn of(port: u16) -> Option<Process> {
        let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .find_map(|table| listening_inode(&table, port))?;
        let link = format!("socket:[{inode}]");
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let holds_it = fs::read_dir(entry.path().join("fd"))
                .ok()?
                .flatten()
                .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
                .any(|target| target.as_os_str().as_bytes() == link.as_bytes());
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            holds_it.then(|| Process { id, name: name.trim().to_owned() })
        })
    }

    /// Finds the inode of the socket that listens on `port` in `/proc/net/tcp` (see proc(5)).
    pub(super) fn listening_inode(table: &str, port: u16) -> Option<u64> {
        const LISTENING: &str = "0A";
        table.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
            let listens = *fields.get(3)? == LISTENING;
            let same_port = u16::from_str_radix(local_port, 16) == Ok(port);
            (listens && same_port).then(|| fields.get(9)?.parse().ok())?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::serve_options::parse;

    fn free_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    }

    fn messages(arguments: [u16; 3], payments: PaymentProvider) -> Vec<String> {
        let [api, dynamodb, sandbox] = arguments.map(|port| port.to_string());
        let [google, mail] = [(); 2].map(|()| free_port().to_string());
        let mut line = vec!["--api-port", &api, "--dynamodb-port", &dynamodb];
        line.extend(["--sandbox-port", &sandbox, "--google-port", &google, "--mail-port", &mail]);
        let options = parse(&line).unwrap();
        match Ports::claim(&options, payments) {
            Ok(_) => Vec::new(),
            Err(Error::Ports(busy)) => busy.iter().map(ToString::to_string).collect(),
            Err(other) => panic!("unexpected: {other}"),
        }
    }

    #[test]
    fn a_busy_port_is_reported_with_purpose_process_and_option() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let busy = listener.local_addr().unwrap().port();
        let messages = messages([free_port(), busy, free_port()], PaymentProvider::Sandbox);
        let [message] = messages.as_slice() else {
            panic!("exactly one port is busy: {messages:?}");
        };
        assert!(message.starts_with(&format!("port {busy}, for the embedded DynamoDB, is in use")));
        assert!(message.ends_with(": choose another with --dynamodb-port"));
        if cfg!(target_os = "linux") {
            let this_process = format!("(process {})", std::process::id());
            assert!(message.contains(&this_process), "{message}");
        }
    }

    #[test]
    fn two_options_with_the_same_port_are_refused() {
        let port = free_port();
        assert_eq!(
            messages([free_port(), port, port], PaymentProvider::Sandbox),
            [format!(
                "port {port}, for the payment sandbox, is also used by --dynamodb-port: \
                 choose another with --sandbox-port"
            )]
        );
    }

    #[test]
    fn the_sandbox_needs_no_port_when_payments_go_to_stripe() {
        let port = free_port();
        let stripe = PaymentProvider::Stripe { live: false };
        assert_eq!(messages([free_port(), port, port], stripe), [""; 0]);
    }

    #[test]
    fn the_kernels_table_tells_which_socket_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:2328 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0\n   \
            1: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0 100 0 0 10 0\n";
        assert_eq!(owner::listening_inode(table, 9000), Some(22));
        assert_eq!(owner::listening_inode(table, 9001), None);
    }
}
