//! The serial port: what the firmware prints, for its watchers and the cloud.

use std::time::Duration;

use tokio::{sync::broadcast, time::Instant};

/// Lines per second; further ones are dropped.
const MAX_LINES: u32 = 200;

const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Serial {
    watchers: broadcast::Sender<String>,
    /// The start of the second whose lines are counted.
    since: Instant,
    lines: u32,
}

impl Serial {
    pub(crate) fn new(watchers: broadcast::Sender<String>, now: Instant) -> Self {
        Self { watchers, since: now, lines: 0 }
    }

    /// Shows a line, unless there are too many, and returns the lines that are shown, for the cloud.
    pub(crate) fn print(&mut self, line: String, now: Instant) -> Vec<String> {
        let mut shown = Vec::new();
        if now - self.since >= SECOND {
            let lost = self.lines.saturating_sub(MAX_LINES);
            (self.since, self.lines) = (now, 0);
            if lost > 0 {
                shown.push(format!(
                    "({lost} lines are not shown: more than {MAX_LINES} came in a second)"
                ));
            }
        }
        self.lines += 1;
        if self.lines <= MAX_LINES {
            shown.push(line);
        }
        for line in &shown {
            // There may be no watcher.
            let _ = self.watchers.send(line.clone());
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_limit_are_counted_in_the_next_second() {
        let (watchers, mut watching) = broadcast::channel(1024);
        let start = Instant::now();
        let mut serial = Serial::new(watchers, start);
        let mut shown = Vec::new();
        for number in 0..MAX_LINES + 3 {
            shown.extend(serial.print(number.to_string(), start));
        }
        assert_eq!(shown.last().unwrap(), "199");
        let next = serial.print("next".into(), start + SECOND);
        assert_eq!(next, ["(3 lines are not shown: more than 200 came in a second)", "next"]);
        shown.extend(next);
        for line in shown {
            assert_eq!(watching.try_recv(), Ok(line));
        }
        assert!(watching.try_recv().is_err());
    }
}
