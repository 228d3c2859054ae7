//! The functions' processes, as the system shows them.

use std::fs;
use std::path::Path;

use crate::machine::{kibibytes, read_field};

/// Lists the processes of a program, by their ids: in the order of their starts.
pub(super) fn of(program: &Path) -> Vec<u32> {
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let mut found: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    found.sort_unstable();
    found
}

/// Counts the processes of a program.
pub(super) fn count(program: &Path) -> usize {
    of(program).len()
}

/// Counts them for a result.
pub(super) fn counted(program: &Path) -> u32 {
    u32::try_from(count(program)).unwrap_or(u32::MAX)
}

/// Returns the resident set of a process, in bytes, and how many descriptors it has
/// open; `None` if it is gone.
pub(super) fn look(pid: u32) -> Option<(u64, u32)> {
    let resident = read_field(&format!("/proc/{pid}/status"), "VmRSS")?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some((kibibytes(&resident)? * 1024, u32::try_from(descriptors).ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_and_seen() {
        let pid = std::process::id();
        assert!(of(&std::env::current_exe().unwrap()).contains(&pid));
        let (resident, descriptors) = look(pid).expect("it runs");
        assert!(resident > 100_000 && descriptors > 0, "{resident} {descriptors}");
        assert_eq!(count(Path::new("/nonexistent/function")), 0);
    }
}
