//! `cargo dev mail-preview`: writes every mail with sample data to files.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::SignedDuration;
use maud::{DOCTYPE, Markup, html};
use notify::mail::{self, Mail, Notification};
use salon::Salon;
use salon::booking::{Booking, PaymentWarning, Refund, State, WarningKind};
use salon::interval::Interval;
use salon::service::StaffId;
use salon::staff_calendar::CalendarName;
use tokio::fs;

use crate::serve::{self, Error, could_not};

/// The command line of `cargo dev mail-preview`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The salon file [default: salon.toml]
    #[arg(long, value_name = "FILE")]
    pub salon: Option<PathBuf>,

    /// Folder for the files
    #[arg(long, value_name = "FOLDER", default_value = "target/dev/mail-preview")]
    pub folder: PathBuf,
}

/// Writes every mail to a folder and prints the address of its index page.
///
/// # Errors
/// Fails if the salon cannot be read or sends no mail, or a file cannot be written.
pub async fn run(options: Options) -> Result<(), Error> {
    let salon = serve::load_salon(options.salon.as_deref(), false).await?;
    let cases = cases(&salon);
    if cases.iter().all(|case| case.mails.is_empty()) {
        let problem = "this salon sends no mail: its salon file has no [mail] section";
        return Err(Error::Problem(problem.to_owned()));
    }
    let folder = &options.folder;
    fs::create_dir_all(folder).await.map_err(could_not("create the folder"))?;
    for case in &cases {
        for mail in &case.mails {
            let name = case.file_name(mail);
            write(folder, &format!("{name}.eml"), &mail.to_bytes()).await?;
            write(folder, &format!("{name}.txt"), mail.text.as_bytes()).await?;
            if let Some(html) = &mail.html {
                write(folder, &format!("{name}.html"), html.as_bytes()).await?;
            }
            if let Some(invitation) = &mail.invitation {
                write(folder, &format!("{name}.ics"), invitation.text.as_bytes()).await?;
            }
        }
    }
    write(folder, "index.html", index(&salon, &cases).into_string().as_bytes()).await?;
    println!("{}", folder.join("index.html").display());
    Ok(())
}

async fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    fs::write(&path, bytes).await.map_err(could_not(format!("write {}", path.display())))
}

/// The mails about one change of a booking.
struct Case {
    title: &'static str,
    mails: Vec<Mail>,
}

impl Case {
    fn file_name(&self, mail: &Mail) -> String {
        let name = self.title.to_lowercase().replace(", ", "-").replace(' ', "-");
        format!("{name}-{}", mail.recipient.as_str())
    }
}

/// Returns all cases, for a booking with the first staff member and their first service.
/// They get an iCal feed as calendar, so the owner's invitation is included.
fn cases(salon: &Salon) -> Vec<Case> {
    let mut salon = salon.clone();
    let mut booking = testing::booking();
    if let Some(member) = salon.staff.first_mut() {
        member.calendars = vec![CalendarName::Ical("sample".to_owned())];
        booking.staff = member.id.clone();
        let performed = salon.services.iter().find(|service| member.performs(&service.id));
        if let Some(service) = performed {
            booking.service = service.id.clone();
            (booking.terms.price, booking.terms.deposit) = (service.price, service.deposit);
            let start = booking.appointment.start();
            let end = start + SignedDuration::from_mins(service.duration_minutes.into());
            booking.appointment = Interval::new(start, end).unwrap_or(booking.appointment);
        }
    }
    booking.terms.cancellation = salon.cancellation;
    let start = booking.appointment.start();
    let (of_two, other) = with_another(&salon);
    let refund = Some(Refund { amount: booking.terms.deposit, attempt: 1 });

    let is = |state: State, refund: Option<Refund>| Booking {
        state,
        refund,
        version: booking.version + 1,
        ..booking.clone()
    };
    let refunding = is(State::Refunding, refund);
    let mut refunded_by_hand = refunding.clone();
    refunded_by_hand.incidents.refunded_by_hand = Some(booking.terms.deposit);
    let mut disputed = booking.clone();
    disputed.incidents.warnings.push(PaymentWarning {
        kind: WarningKind::Dispute,
        id: "du_sample".to_owned(),
        payment: booking.payment.clone().unwrap_or_default(),
        at: booking.changed_at,
    });
    let last_minute = start - SignedDuration::from_hours(3);
    let last_minute = Booking { changed_at: last_minute, ..booking.clone() };
    let conflict = Booking { has_conflict: true, ..booking.clone() };
    let day_before = start - SignedDuration::from_hours(24);
    let moved = Notification::Moved { from: other };

    let case = |title, news: &Notification, booking: &Booking| {
        let mails = mail::write(news, booking, &salon, booking.changed_at);
        Case { title, mails }
    };
    vec![
        case("Confirmed", &Notification::Confirmed, &booking),
        case("Confirmed at the last minute", &Notification::Confirmed, &last_minute),
        case("Confirmed with a conflict", &Notification::Confirmed, &conflict),
        Case {
            title: "Moved to another staff member",
            mails: mail::write(&moved, &booking, &of_two, booking.changed_at),
        },
        Case {
            title: "Reminder",
            mails: mail::write(&Notification::Reminder, &booking, &salon, day_before),
        },
        case("Cancelled with a refund", &Notification::Cancelled, &refunding),
        case("Cancelled by the salon", &Notification::Cancelled, &refunded_by_hand),
        case("A disputed payment", &Notification::Contested, &disputed),
        case("Cancelled", &Notification::Cancelled, &is(State::Cancelled, None)),
        case("Stood by", &Notification::Released, &is(State::Released, None)),
        case("Paid too late", &Notification::PaidTooLate, &refunding),
        case("Paid after cancelling", &Notification::PaidAfterCancelling, &refunding),
        case("Refunded", &Notification::Refunded, &is(State::Refunded, refund)),
        case("Refund failed", &Notification::RefundFailed, &is(State::RefundFailed, refund)),
    ]
}

/// Adds a staff member to the salon and returns their id.
fn with_another(salon: &Salon) -> (Salon, StaffId) {
    let other = StaffId::new("another").expect("an id");
    let mut salon = salon.clone();
    if let Some(mut member) = salon.staff.first().cloned() {
        (member.id, member.name) = (other.clone(), "Grace".to_owned());
        salon.staff.push(member);
    }
    (salon, other)
}

fn index(salon: &Salon, cases: &[Case]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Mails of " (salon.name) }
                style { (STYLE) }
            }
            body {
                h1 { "Mails of " (salon.name) }
                @for case in cases {
                    h2 { (case.title) }
                    div.mails {
                        @for mail in &case.mails {
                            (preview(case, mail))
                        }
                    }
                }
            }
        }
    }
}

const STYLE: &str = "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
.mails { display: flex; flex-wrap: wrap; gap: 1.5rem; }
article { flex: 1 1 26rem; max-width: 42rem; border: 1px solid #ccc; border-radius: 8px; padding: 1rem; }
iframe { width: 100%; height: 46rem; border: 1px solid #ddd; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }";

fn preview(case: &Case, mail: &Mail) -> Markup {
    let name = case.file_name(mail);
    html! {
        article {
            p { "To the " (mail.recipient.as_str()) ": " strong { (mail.subject) } }
            p {
                a href=(format!("{name}.eml")) { "mail" } " · "
                a href=(format!("{name}.txt")) { "text" }
                @if mail.html.is_some() { " · " a href=(format!("{name}.html")) { "HTML" } }
                @if mail.invitation.is_some() { " · " a href=(format!("{name}.ics")) { "calendar" } }
            }
            @if mail.html.is_some() {
                iframe src=(format!("{name}.html")) title=(mail.subject) {}
            } @else {
                pre { (mail.text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::mail::Recipient;
    use salon::salon_file;

    use super::*;

    #[test]
    fn every_case_has_a_mail_for_each_recipient() {
        let salon = salon_file::parse(salon_file::COMPILED_IN).unwrap();
        for case in cases(&salon) {
            let visitor = (Recipient::Visitor, !matches!(case.title, "A disputed payment"));
            let owner = (Recipient::Owner, !matches!(case.title, "Reminder" | "Stood by"));
            for (recipient, is_told) in [visitor, owner] {
                let mails = case.mails.iter().filter(|mail| mail.recipient == recipient).count();
                assert_eq!(mails, usize::from(is_told), "{}: {recipient:?}", case.title);
            }
        }
    }
}
