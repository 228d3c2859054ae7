//! A salon so small that visitors compete for its times.

use std::sync::{Arc, LazyLock};

use openchair::calendars::CalendarSecrets;
use salon::Salon;
use salon::customer::Customer;
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

/// The salon with one person, and with two.
pub(super) static SALONS: LazyLock<[Arc<Salon>; 2]> = LazyLock::new(|| {
    [RULES.to_owned(), format!("{RULES}{SECOND_PERSON}")]
        .map(|text| Arc::new(salon_file::parse(&text).expect("the salon file is right")))
});

/// The same salons, with calendars, for notifications.
pub(super) static NOTIFYING_SALONS: LazyLock<[Salon; 2]> = LazyLock::new(|| {
    SALONS.each_ref().map(|salon| {
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

pub(super) static CUSTOMERS: LazyLock<[Customer; 3]> = LazyLock::new(|| {
    ["1", "2", "3"].map(|number| Customer {
        name: format!("Visitor {number}").parse().expect("a name"),
        phone: salon::customer::Phone::parse(&format!("+1415555267{number}"), SALONS[0].country)
            .expect("a number"),
        email: format!("visitor{number}@example.com").parse().expect("an address"),
    })
});
