//! What a process has used so far, as Linux tells it.

use std::{fs, time::Duration};

/// The most memory that a process has had at once, in KiB. `None` where there is no `/proc`, or no such process.
pub fn peak_memory_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The processor time of a process's threads that still run. `None` where there is no `/proc`, or no such process.
pub fn cpu(pid: u32) -> Option<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let schedule = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += schedule.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(total))
}
