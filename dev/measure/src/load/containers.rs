//! The functions' processes, as `/proc` shows them.

use std::fs;
use std::path::Path;

use crate::machine::{kibibytes, read_field};

/// A process that holds less has not loaded its program yet.
const LOADED_BYTES: u64 = 1024 * 1024;

/// Lists the ids of a program's processes, in the order of their starts.
pub(super) fn process_ids(program: &Path) -> Vec<u32> {
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

/// Counts a program's processes.
pub(super) fn count(program: &Path) -> u32 {
    u32::try_from(process_ids(program).len()).unwrap_or(u32::MAX)
}

/// Returns the resident set of a process in bytes, and the number of its open descriptors.
///
/// `None` if the process has ended, or has just been started.
pub(super) fn resources(pid: u32) -> Option<(u64, u32)> {
    let resident = read_field(&format!("/proc/{pid}/status"), "VmRSS")?;
    let resident = kibibytes(&resident)? * 1024;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    (resident >= LOADED_BYTES).then_some((resident, u32::try_from(descriptors).ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_with_its_memory_and_descriptors() {
        let pid = std::process::id();
        assert!(process_ids(&std::env::current_exe().unwrap()).contains(&pid));
        let (resident, descriptors) = resources(pid).expect("it runs");
        assert!(resident > LOADED_BYTES && descriptors > 0, "{resident} {descriptors}");
        assert_eq!(count(Path::new("/nonexistent/function")), 0);
    }
}
