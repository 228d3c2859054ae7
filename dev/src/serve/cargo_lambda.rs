//! Finds cargo-lambda on this machine, or installs it for this workspace.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Error;

/// The version to install.
pub(super) const PINNED_VERSION: &str = "1.9.2";
/// The oldest version whose `watch` has the routing and concurrency that this program needs.
const OLDEST_USABLE: Version = Version(1, 9);

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Version(u32, u32);

/// Finds cargo-lambda on PATH or in the folder `tools`, or else installs it into `tools`.
pub(super) async fn find_or_install(tools: &Path) -> Result<PathBuf, Error> {
    let on_path = PathBuf::from("cargo-lambda");
    match version_of(&on_path).await {
        Some(version) if version >= OLDEST_USABLE => return Ok(on_path),
        Some(Version(major, minor)) => {
            println!("cargo-lambda {major}.{minor} on PATH is too old for this workspace");
        }
        None => {}
    }
    // The layout of pip, and of the pip of some Linux distributions.
    let candidates = ["bin/cargo-lambda", "local/bin/cargo-lambda"].map(|path| tools.join(path));
    for candidate in &candidates {
        if is_usable(candidate).await {
            return Ok(candidate.clone());
        }
    }
    install(tools).await?;
    for candidate in &candidates {
        if is_usable(candidate).await {
            return Ok(candidate.clone());
        }
    }
    let [expected, _] = candidates;
    Err(Error::InstalledToolUnusable(expected))
}

async fn install(tools: &Path) -> Result<(), Error> {
    let has_pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .is_ok_and(|status| status.success());
    if !has_pip {
        return Err(Error::NoInstaller);
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
        .status()
        .await
        .map_err(|source| Error::Spawn { program: "python3 -m pip".to_owned(), source })?;
    if status.success() { Ok(()) } else { Err(Error::InstallFailed) }
}

async fn is_usable(program: &Path) -> bool {
    version_of(program).await.is_some_and(|version| version >= OLDEST_USABLE)
}

/// Returns the version of a cargo-lambda, or `None` if it does not run.
async fn version_of(program: &Path) -> Option<Version> {
    let output = Command::new(program)
        .args(["lambda", "--version"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the version from `cargo-lambda 1.9.2 (67129fc 2026-08-21Z)`.
fn parse_version(text: &str) -> Option<Version> {
    let mut words = text.split_whitespace();
    if words.next()? != "cargo-lambda" {
        return None;
    }
    let mut numbers = words.next()?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some(Version(major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_parsed_from_the_output() {
        for (text, expected) in [
            ("cargo-lambda 1.9.2 (67129fc 2026-08-21Z)\n", Some(Version(1, 9))),
            ("cargo-lambda 2.0.0-rc.1", Some(Version(2, 0))),
            ("cargo-lambda 1.10.0", Some(Version(1, 10))),
            ("cargo 1.95.0", None),
            ("cargo-lambda", None),
            ("cargo-lambda next", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), expected, "{text:?}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Version(1, 10) >= OLDEST_USABLE);
        assert!(Version(2, 0) >= OLDEST_USABLE);
        assert!(Version(1, 8) < OLDEST_USABLE);
    }

    #[tokio::test]
    async fn a_missing_program_has_no_version() {
        let missing = Path::new("/nonexistent/cargo-lambda");
        assert_eq!(version_of(missing).await, None);
    }
}
