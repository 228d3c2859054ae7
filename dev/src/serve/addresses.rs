//! The table of addresses that `cargo dev` prints when it is ready.

use std::path::Path;

use super::Options;
use super::payment_provider::PaymentProvider;
use super::workspace::Workspace;

/// Prints two columns.
pub(super) fn print(rows: &[(String, String)]) {
    let width = rows.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    println!();
    for (what, place) in rows {
        println!("  {what:width$}  {place}");
    }
    println!();
}

/// Returns the name and the address of every part.
pub(super) fn rows(
    options: &Options,
    workspace: &Workspace,
    payments: PaymentProvider,
    salon: Option<&Path>,
    data: &Path,
) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = workspace
        .routes
        .iter()
        .map(|(path, functions)| {
            let url = format!("{}{path}", options.api_url());
            (functions.join(", "), url)
        })
        .collect();
    for (function, when) in
        [("reconcile", "every 2 min"), ("notify", "on changes of the table, and every hour")]
    {
        if workspace.functions.iter().any(|name| name == function) {
            let url = options.invocation_url(function);
            rows.push((function.to_owned(), format!("{when}; POST {url}")));
        }
    }
    rows.sort();
    let payments = match payments {
        PaymentProvider::Sandbox => options.sandbox_url(),
        PaymentProvider::Stripe { live: false } => "Stripe, test mode".to_owned(),
        PaymentProvider::Stripe { live: true } => "Stripe, LIVE: real cards are charged".to_owned(),
    };
    let salon = salon.map_or("compiled in".to_owned(), |path| path.display().to_string());
    rows.extend([
        ("payments".to_owned(), payments),
        ("DynamoDB".to_owned(), options.dynamodb_url()),
        ("fake Google".to_owned(), options.google_url()),
        ("mailbox".to_owned(), options.mail_url()),
        ("data".to_owned(), data.display().to_string()),
        ("salon".to_owned(), salon),
    ]);
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::serve::serve_options::parse;

    #[test]
    fn every_route_and_part_is_listed() {
        let workspace = Workspace {
            root: "/salon".into(),
            target: "/salon/target".into(),
            functions: vec!["availability".into(), "checkout".into(), "reconcile".into()],
            routes: BTreeMap::from([
                ("/availability".to_owned(), vec!["availability".to_owned()]),
                ("/checkout".to_owned(), vec!["checkout".to_owned()]),
                ("/services".to_owned(), vec!["availability".to_owned()]),
            ]),
        };
        let rows = rows(
            &parse(&[]).unwrap(),
            &workspace,
            PaymentProvider::Sandbox,
            None,
            Path::new("/salon/target/dev"),
        );
        let rows: Vec<(&str, &str)> =
            rows.iter().map(|(what, place)| (what.as_str(), place.as_str())).collect();
        assert_eq!(
            rows,
            [
                ("availability", "http://127.0.0.1:9000/availability"),
                ("availability", "http://127.0.0.1:9000/services"),
                ("checkout", "http://127.0.0.1:9000/checkout"),
                (
                    "reconcile",
                    "every 2 min; POST http://127.0.0.1:9000/2015-03-31/functions/reconcile/invocations"
                ),
                ("payments", "http://127.0.0.1:12111"),
                ("DynamoDB", "http://127.0.0.1:8000"),
                ("fake Google", "http://127.0.0.1:8085"),
                ("mailbox", "http://127.0.0.1:8025"),
                ("data", "/salon/target/dev"),
                ("salon", "compiled in"),
            ]
        );
    }
}
