//! Ends all descendant processes, including the functions.
//!
//! The functions are grandchildren in process groups of their own, so neither Ctrl-C nor a
//! signal to one process group reaches them. Each descendant is found and signalled.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// How long a process may take to exit after SIGTERM.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Process {
    id: i32,
    parent: i32,
}

/// Makes this process the parent of orphaned descendants, on systems that support it.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        // If this fails, orphans are found only while their parents live.
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
    }
}

/// Asks the kernel to end the child if this process dies first.
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let ask = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?);
        // SAFETY: between fork and exec, the closure makes one system call and does not
        // allocate.
        #[expect(unsafe_code, reason = "the standard library has no safe equivalent")]
        unsafe {
            command.pre_exec(ask);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Sends SIGTERM to every descendant, waits, and kills those that remain.
pub async fn end_descendants() {
    let this = getpid().as_raw_nonzero().get();
    let mut pending = descendants(this, &running().await);
    signal_all(&pending, Signal::TERM);
    let deadline = Instant::now() + EXIT_TIMEOUT;
    loop {
        let running = running().await;
        // Processes that started meanwhile have not been signalled yet.
        let new: HashSet<i32> = &descendants(this, &running) - &pending;
        signal_all(&new, Signal::TERM);
        pending.extend(new);
        pending.retain(|id| running.iter().any(|process| process.id == *id));
        if pending.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            signal_all(&pending, Signal::KILL);
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn signal_all(processes: &HashSet<i32>, signal: Signal) {
    for pid in processes.iter().filter_map(|id| Pid::from_raw(*id)) {
        // The process may have exited meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Returns all processes below `ancestor`.
fn descendants(ancestor: i32, processes: &[Process]) -> HashSet<i32> {
    let mut found = HashSet::from([ancestor]);
    loop {
        let before = found.len();
        found.extend(
            processes
                .iter()
                .filter(|process| found.contains(&process.parent))
                .map(|process| process.id)
                .collect::<Vec<i32>>(),
        );
        if found.len() == before {
            found.remove(&ancestor);
            return found;
        }
    }
}

/// Returns all running processes, without zombies.
#[cfg(target_os = "linux")]
#[expect(clippy::unused_async, reason = "other systems run `ps`")]
async fn running() -> Vec<Process> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| parse_stat(&stat))
        .collect()
}

#[cfg(not(target_os = "linux"))]
async fn running() -> Vec<Process> {
    let output =
        Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid=", "-o", "stat="]).output().await;
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(parse_ps).collect()
}

/// Parses `/proc/PID/stat`: `id (name) state parent …`. The name may contain any character.
#[cfg(any(target_os = "linux", test))]
fn parse_stat(stat: &str) -> Option<Process> {
    let (id, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let is_zombie = matches!(fields.next()?, "Z" | "X");
    let process = Process { id: id.parse().ok()?, parent: fields.next()?.parse().ok()? };
    (!is_zombie).then_some(process)
}

/// Parses a line of `ps`: id, parent and state.
#[cfg(any(not(target_os = "linux"), test))]
fn parse_ps(line: &str) -> Option<Process> {
    let mut fields = line.split_whitespace();
    let (id, parent) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (!fields.next()?.starts_with('Z')).then_some(Process { id, parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: i32, parent: i32) -> Process {
        Process { id, parent }
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_in_any_order() {
        let processes =
            [process(40, 30), process(30, 20), process(20, 10), process(11, 1), process(10, 1)];
        assert_eq!(descendants(10, &processes), HashSet::from([20, 30, 40]));
        assert_eq!(descendants(40, &processes), HashSet::new());
    }

    #[test]
    fn a_process_name_may_contain_parentheses_and_spaces() {
        assert_eq!(parse_stat("42 (odd) name)) S 7 42 42 0 -1"), Some(process(42, 7)));
        assert_eq!(parse_stat("43 (gone) Z 7 42 42 0 -1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn a_line_of_ps_is_parsed() {
        assert_eq!(parse_ps("   42     7 Ss+"), Some(process(42, 7)));
        assert_eq!(parse_ps("43 7 Z"), None);
        assert_eq!(parse_ps("PID PPID STAT"), None);
    }
}
