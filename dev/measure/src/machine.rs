//! What a measurement was made on.

use std::path::Path;
use std::process::Stdio;

use jiff::Timestamp;
use openchair::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// What a measurement was made on, and of what: part of the results of `cargo
/// dev bench` and of `cargo dev load`, as figures of two machines do not compare.
///
/// What the system does not tell is `unknown`, or 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// The processor's model, as the system names it.
    pub cpu_model: String,
    /// How many threads run at the same time.
    pub cores: usize,
    /// The whole memory, in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// What `rustc --version` says.
    pub rustc: String,
    /// The commit that was measured; `-dirty` follows if files differ from it.
    pub commit: String,
    /// When it was measured.
    pub measured_at: Timestamp,
}

impl Machine {
    /// Describes this machine, and the working tree at `root`.
    pub async fn describe(root: &Path, clock: &Clock) -> Self {
        Self {
            cpu_model: read_field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            memory_mib: read_field("/proc/meminfo", "MemTotal").as_deref().map_or(0, mebibytes),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |release| release.trim().to_owned()),
            rustc: line_of(root, "rustc", &["--version"]).await,
            commit: line_of(root, "git", &["describe", "--always", "--dirty", "--abbrev=40"]).await,
            measured_at: clock.now(),
        }
    }
}

/// The value of the first `name: value` in one of the system's files.
pub(crate) fn read_field(path: &str, name: &str) -> Option<String> {
    field(&std::fs::read_to_string(path).ok()?, name)
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

/// Reads `16374532 kB`.
fn mebibytes(text: &str) -> u64 {
    kibibytes(text).unwrap_or(0) / 1024
}

/// Reads `16374532 kB`, as the system's files say it.
pub(crate) fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix(" kB")?.parse().ok()
}

/// The first line that a program prints.
async fn line_of(root: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await;
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().map_or_else(unknown, str::to_owned)
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_systems_files_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: Xeon @ 2.20GHz: fast\nMemTotal:  16374532 kB\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Xeon @ 2.20GHz: fast"));
        assert_eq!(field(text, "MemTotal").as_deref().map(mebibytes), Some(15_990));
        assert_eq!(field(text, "bogomips"), None);
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_says_nothing_leaves_its_field_unknown() {
        let here = Path::new(".");
        assert_eq!(line_of(here, "openchair-no-such-program", &[]).await, "unknown");
        assert_eq!(line_of(here, "true", &[]).await, "unknown");
    }
}
