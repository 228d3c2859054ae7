//! Finds cargo-lambda on this machine, or installs it for this workspace.
//!
//! It has no dependencies, so the launcher can install it while cargo builds everything else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version to install.
const PINNED_VERSION: &str = "1.9.2";
/// The oldest version whose `watch` has the routing and concurrency that `cargo dev` needs.
const OLDEST_USABLE: (u32, u32) = (1, 9);

/// Finds cargo-lambda on PATH or in the folder `tools`, or else installs it into `tools`.
///
/// # Errors
///
/// Fails if it cannot be installed. The message says what to do.
pub fn cargo_lambda(tools: &Path) -> Result<PathBuf, String> {
    // The layout of pip, and of the pip of some Linux distributions.
    let installed = ["bin/cargo-lambda", "local/bin/cargo-lambda"].map(|path| tools.join(path));
    let mut candidates = vec![PathBuf::from("cargo-lambda")];
    candidates.extend(installed);
    let usable = |candidates: &[PathBuf]| candidates.iter().find(|path| is_usable(path)).cloned();
    if let Some(found) = usable(&candidates) {
        return Ok(found);
    }
    println!("installing cargo-lambda {PINNED_VERSION} into {}", tools.display());
    // --no-deps leaves out 400 MB of Zig, which only cross-compilation needs.
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--disable-pip-version-check", "--root-user-action=ignore"])
        .args(["--upgrade", "--target"])
        .arg(tools)
        .arg(format!("cargo-lambda=={PINNED_VERSION}"))
        .stdin(Stdio::null())
        .status();
    let problem = match status {
        Ok(status) if status.success() => match usable(&candidates) {
            Some(found) => return Ok(found),
            None => "pip installed cargo-lambda, but it does not run".to_owned(),
        },
        Ok(_) => "pip could not install cargo-lambda (its message is above)".to_owned(),
        Err(error) => format!("could not run python3 to install cargo-lambda: {error}"),
    };
    Err(format!(
        "{problem}: install cargo-lambda {PINNED_VERSION} as \
         https://www.cargo-lambda.info/guide/installation.html says"
    ))
}

fn is_usable(program: &Path) -> bool {
    let output =
        Command::new(program).args(["lambda", "--version"]).stdin(Stdio::null()).output().ok();
    output
        .and_then(|output| parse_version(&String::from_utf8_lossy(&output.stdout)))
        .is_some_and(|version| version >= OLDEST_USABLE)
}

/// Reads the version from `cargo-lambda 1.9.2 (67129fc 2026-08-21Z)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("cargo-lambda ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_parsed_from_the_output() {
        for (text, expected) in [
            ("cargo-lambda 1.9.2 (67129fc 2026-08-21Z)\n", Some((1, 9))),
            ("cargo-lambda 2.0.0-rc.1", Some((2, 0))),
            ("cargo-lambda 1.10.0", Some((1, 10))),
            ("cargo 1.95.0", None),
            ("cargo-lambda", None),
            ("cargo-lambda next", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_missing_program_is_not_usable() {
        assert!(!is_usable(Path::new("/nonexistent/cargo-lambda")));
    }
}
