//! Compares `docs/configuration.md` with the sources and with `template.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use salon::salon_file;

const PAGE: &str = include_str!("../../../docs/configuration.md");
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Variables that hold a secret. With `_PARAMETER` appended, they name the SSM
/// parameter that holds it.
const SECRETS: [&str; 4] =
    ["CALENDAR_SECRETS", "CLIENT_ADDRESS_SECRET", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"];

/// Text in capitals that is not a variable that is read.
const NOT_READ: [&str; 13] = [
    // `cargo dev` removes these from the functions' environment, or sets them.
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PKG_VERSION",
    "NO_COLOR",
    "OUT_DIR",
    // Values of AWS's and Google's APIs.
    "AFTER_SEQUENCE_NUMBER",
    "PAY_PER_REQUEST",
    "RESOURCE_EXHAUSTED",
    "TRIM_HORIZON",
];

#[test]
fn every_variable_that_is_read_is_documented() {
    let mut read = BTreeSet::new();
    for folder in ["dev/src", "functions", "shared/openchair/src"] {
        for file in sources(&workspace().join(folder)) {
            let source = fs::read_to_string(&file).expect("a source file");
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            read.extend(capitals(code).map(str::to_owned));
        }
    }
    for name in NOT_READ {
        read.remove(name);
    }
    read.extend(SECRETS.map(|name| format!("{name}_PARAMETER")));
    let documented: BTreeSet<String> = rows()
        .map(|row| row[0].to_owned())
        .filter(|name| name.contains('_') && *name == name.to_ascii_uppercase())
        .collect();
    assert_eq!(documented, read, "docs/configuration.md on the left, the sources on the right");
}

#[test]
fn every_variable_of_the_template_is_documented() {
    let documented: BTreeSet<&str> = rows().map(|row| row[0]).collect();
    let mut lines = TEMPLATE.lines();
    let mut found = 0;
    while let Some(heading) = lines.find(|line| line.trim() == "Variables:") {
        let indent = format!("{}  ", heading.strip_suffix("Variables:").unwrap_or_default());
        for line in lines.by_ref().map_while(|line| line.strip_prefix(&indent)) {
            let name = line.split(':').next().unwrap_or_default();
            if !name.starts_with('#') {
                assert!(documented.contains(name), "{name} of template.yaml is not documented");
                found += 1;
            }
        }
    }
    assert!(found > 10, "the template sets variables, of which this test found {found}");
}

#[test]
fn every_parameter_of_the_template_is_documented_with_its_default() {
    let documented: BTreeMap<&str, &str> = rows()
        .filter(|row| row[0].starts_with(char::is_uppercase) && !row[0].contains('_'))
        .map(|row| (row[0], row[1].trim_matches('`')))
        .collect();
    let defaults: BTreeMap<&str, &str> = parameters()
        .into_iter()
        .map(|(name, default)| match default {
            None => (name, "required"),
            Some("") => (name, "empty"),
            Some(default) => (name, default),
        })
        .collect();
    assert_eq!(
        documented, defaults,
        "docs/configuration.md on the left, the template on the right"
    );
}

#[test]
fn the_template_allows_the_origins_of_the_salon_file() {
    let line = salon_file::COMPILED_IN
        .lines()
        .find_map(|line| line.strip_prefix("allowed_origins = "))
        .expect("salon.toml has allowed_origins in one line");
    let origins = line.split('"').filter(|origin| origin.starts_with("https://"));
    let expected = origins.collect::<Vec<_>>().join(",");
    let default = parameters()["AllowedOrigins"];
    assert_eq!(
        default,
        Some(expected.as_str()),
        "AllowedOrigins of template.yaml, and salon.toml's https origins"
    );
}

#[test]
fn nothing_may_be_sent_until_the_deploy_names_the_sender() {
    assert_eq!(parameters()["MailIdentity"], None, "a default would be used without a word");
    let (_, identity) = TEMPLATE.split_once("  MailIdentity:\n").expect("the parameter");
    let (_, pattern) = identity.split_once("AllowedPattern: ").expect("a pattern");
    assert_eq!(
        pattern.lines().next(),
        Some(r"^(none|([A-Za-z0-9._%+=-]+@)?([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+)$"),
        "with a wildcard, notify could send as any identity of the account"
    );
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the Rust files under a folder, without those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry of it").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_test = ["tests", "tests.rs", "stripe_mock.rs"].contains(&name);
        if is_test || name == "templates" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Returns the string literals that look like a variable's name.
fn capitals(code: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| {
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.contains('_')
            && text.chars().all(is_part)
    };
    code.split('"').filter(is_name)
}

/// Returns the rows of the page's tables, a list of cells each, whose first cell is code.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    PAGE.lines().filter_map(|line| {
        let cells = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let (name, rest) = cells.split_once("` | ")?;
        Some(std::iter::once(name).chain(rest.split(" | ")).collect())
    })
}

/// Returns the template's parameters with their defaults, if they have one.
fn parameters() -> BTreeMap<&'static str, Option<&'static str>> {
    let lines = TEMPLATE.lines().skip_while(|line| *line != "Parameters:").skip(1);
    let mut parameters = BTreeMap::new();
    let mut current = "";
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        if let Some(default) = line.strip_prefix("    Default: ") {
            parameters.insert(current, Some(default.trim_matches('"')));
        } else if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'))
            && !name.starts_with(' ')
        {
            current = name;
            parameters.insert(current, None);
        }
    }
    parameters
}
