//! What follows a crash: the device boots again, later each time, and not for ever.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};

/// Seconds until it boots again, after each crash in a row.
const WAITS: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// A firmware that ran this long has recovered.
const RECOVERED: Duration = Duration::from_secs(60);

/// How often it has crashed, and when it boots again.
#[derive(Default)]
pub(crate) struct Restarts {
    crashes: usize,
    at: Option<Instant>,
}

impl Restarts {
    /// Counts a crash and plans what follows; says so to a person.
    pub(crate) fn crashed(&mut self, why: &str, ran_for: Duration, now: Instant) -> String {
        if ran_for > RECOVERED {
            self.crashes = 0;
        }
        let wait = WAITS.get(self.crashes);
        self.crashes += 1;
        self.at = wait.map(|seconds| now + Duration::from_secs(*seconds));
        let times = self.crashes;
        match wait {
            Some(seconds) => {
                format!("The firmware crashed ({why}); the device boots again after {seconds} s.")
            }
            None => format!(
                "The firmware crashed {times} times in a row ({why}); flash another one, or unplug the device and plug it in."
            ),
        }
    }

    /// Whether a firmware that had crashed has now run long enough to be trusted again.
    pub(crate) fn recovered(&mut self, ran_for: Duration) -> bool {
        let recovered = self.crashes > 0 && ran_for > RECOVERED;
        if recovered {
            self.crashes = 0;
        }
        recovered
    }

    /// Plans no restart; the crashes still count.
    pub(crate) fn cancel(&mut self) {
        self.at = None;
    }

    /// Waits until the device is to boot again, for ever if it is not.
    pub(crate) async fn due(&self) {
        match self.at {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_after_each_crash_until_it_recovers() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        for seconds in WAITS {
            let said = restarts.crashed("why", Duration::ZERO, now);
            assert!(said.ends_with(&format!("again after {seconds} s.")), "{said}");
            assert_eq!(restarts.at, Some(now + Duration::from_secs(seconds)));
        }
        let said = restarts.crashed("why", RECOVERED, now);
        assert!(said.contains("7 times in a row (why)"), "{said}");
        assert_eq!(restarts.at, None);
        let long = RECOVERED + Duration::from_secs(1);
        let said = restarts.crashed("why", long, now);
        assert!(said.ends_with("again after 1 s."), "{said}");
        assert!(!restarts.recovered(RECOVERED));
        assert!(restarts.recovered(long) && !restarts.recovered(long));
    }
}
