//! Ending what was started, down to the functions' own processes.
//!
//! The functions are grandchildren in process groups of their own, so neither
//! Ctrl-C nor a signal to one group reaches them: everything that descends from
//! this process is found and ended.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// How long a process may take to end when asked.
const GRACE: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Process {
    id: i32,
    parent: i32,
    /// It has ended and only waits for its parent to take note.
    zombie: bool,
}

/// Makes processes whose parent has ended descend from this one, where the system can.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        // Without it, orphans are still found as long as their parents live.
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
    }
}

/// Has the system end the child if this process dies without a chance to do it.
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let ask = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?);
        // SAFETY: between fork and exec the closure makes one system call and does
        // not allocate.
        #[expect(unsafe_code, reason = "the standard library has no safe way to ask for this")]
        unsafe {
            command.pre_exec(ask);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Asks every descendant to end, waits, and kills those that did not.
pub async fn end_descendants() {
    let this = getpid().as_raw_nonzero().get();
    let mut doomed = descendants(this, &running().await);
    signal_all(&doomed, Signal::TERM);
    let deadline = Instant::now() + GRACE;
    loop {
        let running = running().await;
        // A process that was started meanwhile has not been asked yet.
        let late: HashSet<i32> = &descendants(this, &running) - &doomed;
        signal_all(&late, Signal::TERM);
        doomed.extend(late);
        doomed.retain(|id| running.iter().any(|process| process.id == *id));
        if doomed.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            signal_all(&doomed, Signal::KILL);
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn signal_all(processes: &HashSet<i32>, signal: Signal) {
    for pid in processes.iter().filter_map(|id| Pid::from_raw(*id)) {
        // One that has ended by itself meanwhile is no failure.
        let _ = kill_process(pid, signal);
    }
}

/// Everything below `ancestor`, whether or not its immediate parent still runs.
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

/// Every process that runs; one that has ended and was not collected is left out.
async fn running() -> Vec<Process> {
    let mut processes = all_processes().await;
    processes.retain(|process| !process.zombie);
    processes
}

#[cfg(target_os = "linux")]
#[expect(clippy::unused_async, reason = "elsewhere it asks another program")]
async fn all_processes() -> Vec<Process> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| parse_stat(&stat))
        .collect()
}

#[cfg(not(target_os = "linux"))]
async fn all_processes() -> Vec<Process> {
    let output =
        Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid=", "-o", "stat="]).output().await;
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(parse_ps).collect()
}

/// Reads `/proc/PID/stat`: `id (name) state parent …`, where the name may contain anything.
#[cfg(any(target_os = "linux", test))]
fn parse_stat(stat: &str) -> Option<Process> {
    let (id, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    Some(Process {
        id: id.parse().ok()?,
        parent: fields.next()?.parse().ok()?,
        zombie: matches!(state, "Z" | "X"),
    })
}

/// Reads a line of `ps`: id, parent and state.
#[cfg(any(not(target_os = "linux"), test))]
fn parse_ps(line: &str) -> Option<Process> {
    let mut fields = line.split_whitespace();
    Some(Process {
        id: fields.next()?.parse().ok()?,
        parent: fields.next()?.parse().ok()?,
        zombie: fields.next()?.starts_with('Z'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: i32, parent: i32) -> Process {
        Process { id, parent, zombie: false }
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
        let ended = parse_stat("43 (gone) Z 7 42 42 0 -1").unwrap();
        assert!(ended.zombie);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn lines_of_ps_are_read() {
        assert_eq!(parse_ps("   42     7 Ss+"), Some(process(42, 7)));
        assert!(parse_ps("43 7 Z").unwrap().zombie);
        assert_eq!(parse_ps("PID PPID STAT"), None);
    }
}
