//! The machine that a measurement was made on.

use std::path::Path;
use std::process::Stdio;

use jiff::Timestamp;
use openchair::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// The machine, the compiler and the commit of a measurement.
///
/// What the system does not report is `unknown`, or 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) cpu_model: String,
    /// Threads that run at the same time.
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The output of `rustc --version`.
    pub(crate) rustc: String,
    /// The commit that was measured, followed by `-dirty` if the working tree differs from it.
    pub(crate) commit: String,
    pub(crate) measured_at: Timestamp,
}

impl Machine {
    /// Describes this machine, and the working tree at `root`.
    pub(crate) async fn describe(root: &Path, clock: &Clock) -> Self {
        let memory = read_field("/proc/meminfo", "MemTotal");
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            cpu_model: read_field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            memory_mib: memory.as_deref().and_then(kibibytes).unwrap_or(0) / 1024,
            kernel: kernel.map_or_else(unknown, |release| release.trim().to_owned()),
            rustc: first_line(root, "rustc", &["--version"]).await,
            commit: first_line(root, "git", &["describe", "--always", "--dirty", "--abbrev=40"])
                .await,
            measured_at: clock.now(),
        }
    }

    /// Describes the machine in one line of a report.
    pub(crate) fn summary(&self) -> String {
        let Self { cpu_model, cores, memory_mib, kernel, rustc, commit, measured_at } = self;
        format!(
            "{cpu_model}, {cores} threads, {memory_mib} MiB, Linux {kernel}; {rustc}; \
             commit {commit}; {measured_at}\n"
        )
    }
}

/// Returns the value of the first `name: value` in one of the system's files.
pub(crate) fn read_field(path: &str, name: &str) -> Option<String> {
    field(&std::fs::read_to_string(path).ok()?, name)
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

/// Reads `16374532 kB`, as the system's files write it.
pub(crate) fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix(" kB")?.parse().ok()
}

/// Returns the first line that a program prints.
async fn first_line(root: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).stdin(Stdio::null()).stderr(Stdio::null());
    let text = command.output().await.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().map_or_else(unknown, str::to_owned)
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_system_files_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: Xeon @ 2.20GHz: fast\nMemTotal:  16374532 kB\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Xeon @ 2.20GHz: fast"));
        assert_eq!(field(text, "MemTotal").as_deref().and_then(kibibytes), Some(16_374_532));
        assert_eq!(field(text, "bogomips"), None);
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_prints_nothing_is_unknown() {
        let here = Path::new(".");
        assert_eq!(first_line(here, "openchair-no-such-program", &[]).await, "unknown");
        assert_eq!(first_line(here, "true", &[]).await, "unknown");
    }
}
