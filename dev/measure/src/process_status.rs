//! Processes, as `/proc` shows them.

use std::fs;
use std::path::Path;

use crate::statistics::float;

/// A process that holds less has not loaded its program yet.
const LOADED_BYTES: usize = 1024 * 1024;

/// Returns the value of the first `name: value` in one of the system's files.
pub(crate) fn read_field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Returns a size in bytes from a process's status, such as `VmHWM` or `VmRSS`.
pub(crate) fn memory(pid: u32, name: &str) -> Option<usize> {
    let field = read_field(&format!("/proc/{pid}/status"), name)?;
    Some(field.strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}

/// Lists the ids of a program's processes.
pub(crate) fn process_ids(program: &Path) -> Vec<u32> {
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Returns the resident set of a process in bytes, and the number of its open descriptors,
/// unless the process has ended or has just been started.
pub(crate) fn resources(pid: u32) -> Option<(f64, f64)> {
    let resident = memory(pid, "VmRSS").filter(|bytes| *bytes >= LOADED_BYTES)?;
    Some((float(resident), float(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_found_with_its_memory_and_descriptors() {
        let pid = std::process::id();
        assert!(process_ids(&std::env::current_exe().unwrap()).contains(&pid));
        let (resident, descriptors) = resources(pid).expect("it runs");
        assert!(resident >= float(LOADED_BYTES) && descriptors > 0.0, "{resident} {descriptors}");
        assert!(process_ids(Path::new("/nonexistent/function")).is_empty());
        assert_eq!(memory(pid, "VmNothing"), None);
    }
}
