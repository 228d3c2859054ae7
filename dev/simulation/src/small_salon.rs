//! A salon so small that visitors compete for its times.

use std::sync::{Arc, LazyLock};

use openchair::calendars::CalendarSecrets;
use salon::Salon;
use salon::customer::{Customer, Phone};
use salon::salon_file;
use salon::staff_calendar::CalendarName;
use serde_json::json;
use stand_ins::fake_google;

const RULES: &str = r#"
name = "Salon"
country = "US"
time_zone = "America/Los_Angeles"
currency = "usd"
[booking]
horizon_days = 1
notice_minutes = 60
slot_step_minutes = 30
max_holds_per_customer = 2
max_holds_per_address = 4
[deposit]
default = 50
delayed_methods = true
[cancellation]
full_refund_hours = 24
late_refund_percent = 50
[hours]
mon = ["10:00-12:00"]
tue = ["10:00-12:00"]
wed = ["10:00-12:00"]
[mail]
from = "Salon <mail@salon.example>"
owner = "owner@salon.example"
[site]
allowed_origins = ["https://salon.example"]
return_url = "https://salon.example/done"
[[services]]
id = "short"
category = "All"
title = "Short"
duration_minutes = 30
price = 100
[[services]]
id = "long"
category = "All"
title = "Long"
duration_minutes = 60
buffer_minutes = 15
price = 200
[[staff]]
id = "a"
name = "A"
"#;

const SECOND_PERSON: &str = r#"
[[staff]]
id = "b"
name = "B"
services = ["short"]
"#;

/// What a later version of the salon file says instead.
const CHANGES: [(&str, &str); 6] = [
    ("default = 50", "default = 60"),
    ("delayed_methods = true", "delayed_methods = false"),
    ("full_refund_hours = 24", "full_refund_hours = 12"),
    ("late_refund_percent = 50", "late_refund_percent = 0"),
    ("notice_minutes = 60", "notice_minutes = 60\nhold_minutes = 5"),
    ("duration_minutes = 60", "duration_minutes = 45"),
];

/// The versions of a salon's file. The last one is deployed in the middle of a schedule, and
/// rolled back.
pub(super) type Versions = [Arc<Salon>; 2];

/// The salon with one person, and the salon with two. One of the two leaves with the last
/// version.
pub(super) static SALONS: LazyLock<[Versions; 2]> = LazyLock::new(|| {
    let parse = |text: &str| Arc::new(salon_file::parse(text).expect("the salon file is right"));
    let mut changed = RULES.to_owned();
    for (from, to) in CHANGES {
        assert!(changed.contains(from), "`{from}` is in the salon file");
        changed = changed.replace(from, to);
    }
    let two = format!("{RULES}{SECOND_PERSON}");
    [[parse(RULES), parse(&changed)], [parse(&two), parse(&changed)]]
});

/// The first versions, with calendars, for notifications.
pub(super) static NOTIFYING_SALONS: LazyLock<[Salon; 2]> = LazyLock::new(|| {
    SALONS.each_ref().map(|[salon, _]| {
        let mut salon = Salon::clone(salon);
        for member in &mut salon.staff {
            member.calendars = vec![CalendarName::Google(member.id.to_string())];
        }
        salon
    })
});

pub(super) static CALENDAR_SECRETS: LazyLock<CalendarSecrets> = LazyLock::new(|| {
    let secrets = json!({"google": {
        "serviceAccount": fake_google::service_account("https://google.example/token"),
        "calendars": {"a": "a", "b": "b"},
    }});
    CalendarSecrets::parse(&secrets.to_string().into()).expect("secrets")
});

/// How many people book.
pub(super) const PEOPLE: usize = 3;
/// How many attackers come at most in a schedule, each under another name.
pub(super) const ATTACKERS: usize = 4;

/// The people who book, and then the names of attackers.
pub(super) static CUSTOMERS: LazyLock<[Customer; PEOPLE + ATTACKERS]> = LazyLock::new(|| {
    std::array::from_fn(|index| Customer {
        name: format!("Visitor {}", index + 1).parse().expect("a name"),
        phone: Phone::from_e164(&format!("+1415555267{}", index + 1)).expect("a number"),
        email: format!("visitor{}@example.com", index + 1).parse().expect("an address"),
    })
});
