//! `cargo dev explain`: shows why the times of a day are offered or not.

mod explanation;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use openchair::clock::Clock;
use openchair::store::{Consistency, DynamoStore, Store, StoreError, table};
use salon::day::Day;
use salon::interval::IntervalSet;
use salon::service::{Service, StaffMember};
use salon::staff_calendar::CalendarReading;
use salon::{DateRange, Salon};
use tokio::net::TcpStream;

use self::explanation::{Candidate, Explanation};
use crate::serve::{self, Database, Error, could_not};

/// The command line of `cargo dev explain`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The day, YYYY-MM-DD
    pub date: Date,

    /// Also list every start time for this service, and what rules it out
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,

    /// Explain this staff member only
    #[arg(long, value_name = "ID")]
    pub staff: Option<String>,

    /// The salon file [default: the one that a running `cargo dev` serves, else salon.toml]
    #[arg(long, value_name = "FILE")]
    pub salon: Option<PathBuf>,

    /// Port of the running `cargo dev`'s database; without one, its data folder is opened
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub dynamodb_port: u16,
}

/// Prints the explanation of a day.
///
/// Only reads the table: calendars are shown as a function last read them.
///
/// # Errors
/// Fails if the salon, the service or the staff member is unknown, the day is outside the
/// horizon, or the table cannot be read.
pub async fn run(options: Options) -> Result<(), Error> {
    let is_running = TcpStream::connect((Ipv4Addr::LOCALHOST, options.dynamodb_port)).await.is_ok();
    let salon = serve::load_salon(options.salon.as_deref(), is_running).await?;
    let service = match &options.service {
        None => None,
        Some(id) => Some(salon.service(id).ok_or_else(|| {
            unknown("service", id, salon.services.iter().map(|service| service.id.to_string()))
        })?),
    };
    let staff: Vec<_> = match &options.staff {
        None => salon.staff.iter().collect(),
        Some(id) => vec![salon.staff_member(id).ok_or_else(|| {
            unknown("staff member", id, salon.staff.iter().map(|member| member.id.to_string()))
        })?],
    };
    let now = Clock::machine().now();
    let horizon = salon.horizon(now);
    if !horizon.contains(options.date) {
        return Err(Error::Problem(format!(
            "{} is outside the horizon: times can be booked from {} to {}",
            options.date, horizon.first, horizon.last
        )));
    }
    let (store, _database) = open(options.dynamodb_port, is_running).await?;
    let ids: Vec<_> = staff.iter().map(|member| &member.id).collect();
    let one_day = DateRange::single(options.date);
    let mut sheets = store.sheets(&ids, one_day, Consistency::Strong).await.map_err(unreadable())?;
    let mut readings = store.readings(&ids, Consistency::Strong).await.map_err(unreadable())?;
    let day = Day::new(options.date, &salon.time_zone);
    for member in staff {
        let sheets = sheets.remove(&member.id).unwrap_or_default();
        let reading = readings.remove(&member.id);
        let calendar = calendar(&salon, member, &day, reading.as_ref(), now);
        println!("{} ({})", member.name, member.id);
        if !member.calendars.is_empty() {
            println!("  {}", describe(reading.as_ref(), now));
        }
        let explanation = Explanation::new(&salon, member, &day, &sheets, calendar.as_ref(), now);
        for removed in explanation.removed() {
            let (start, end) = (removed.time.start(), removed.time.end());
            println!("  {}–{}  {}", clock(&day, start), clock(&day, end), removed.rule);
        }
        if let Some(service) = service.filter(|service| member.performs(&service.id)) {
            print_candidates(&day, service, &explanation.candidates(service));
        }
    }
    Ok(())
}

/// Returns a staff member's calendar busy time: empty without a calendar, `None` if unknown.
fn calendar(
    salon: &Salon,
    member: &StaffMember,
    day: &Day,
    reading: Option<&CalendarReading>,
    now: Timestamp,
) -> Option<IntervalSet<Timestamp>> {
    if member.calendars.is_empty() {
        return Some(IntervalSet::empty());
    }
    let usable =
        |reading: &&CalendarReading| reading.is_usable(&day.span(), salon.max_stale(), now);
    reading.filter(usable).map(CalendarReading::busy)
}

fn describe(reading: Option<&CalendarReading>, now: Timestamp) -> String {
    match reading {
        None => "calendar not read yet: request /availability first".to_owned(),
        Some(reading) => {
            let seconds = now.duration_since(reading.read_at).as_secs();
            format!("calendar read {seconds} s ago")
        }
    }
}

fn print_candidates(day: &Day, service: &Service, candidates: &[Candidate<'_>]) {
    println!("  {} {}, {} min:", service.id, service.title, service.duration_minutes);
    if candidates.is_empty() {
        println!("    no start time on this day");
    }
    for same in candidates.chunk_by(|a, b| a.obstacle == b.obstacle) {
        let [first, .., last] = [&same[0], &same[same.len() - 1]];
        let times = match same.len() {
            1 => clock(day, first.start),
            _ => format!("{} to {}", clock(day, first.start), clock(day, last.start)),
        };
        match &first.obstacle {
            None => println!("    {times}  offered"),
            Some(rule) => println!("    {times}  {rule}"),
        }
    }
}

/// Formats an instant in the salon's time zone, the end of the day as `24:00`.
fn clock(day: &Day, at: Timestamp) -> String {
    if at == day.span().end() {
        return "24:00".to_owned();
    }
    day.offset_at(at).to_datetime(at).strftime("%H:%M").to_string()
}

async fn open(port: u16, is_running: bool) -> Result<(DynamoStore, Option<Database>), Error> {
    if is_running {
        let store = DynamoStore::new(serve::local_client(port), table::DEFAULT_NAME.to_owned());
        return Ok((store, None));
    }
    let database = Database::open().await.map_err(|error| match error {
        Error::DataInUse(_) => Error::Problem(format!(
            "a running `cargo dev` uses the data, and its database does not listen on port \
             {port}: give its port with --dynamodb-port"
        )),
        error => error,
    })?;
    let store = DynamoStore::new(database.client(), table::DEFAULT_NAME.to_owned());
    Ok((store, Some(database)))
}

fn unreadable() -> impl FnOnce(StoreError) -> Error {
    could_not("read the table")
}

fn unknown(kind: &str, id: &str, known: impl Iterator<Item = String>) -> Error {
    let known = known.collect::<Vec<_>>().join(", ");
    Error::Problem(format!("there is no {kind} \"{id}\"; the salon has {known}"))
}
