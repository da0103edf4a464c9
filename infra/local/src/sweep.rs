//! When expired items are deleted. On AWS the table does it; here a clock is trusted only if it behaves like one.

use std::time::Duration;

use delivery::{limits::Limits, millis::Millis};
use function_url::Clock;
use store::Store;
use tokio::time::{Instant, interval};

/// How often expired items are deleted: the whole table is read for that.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often the clock is compared with the uptime, and how long a deletion is announced before it is made.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What clock and uptime may differ by between two looks. A suspended machine differs by more.
const DRIFT_MS: u64 = 10_000;
/// A clock is trusted when it has agreed with the uptime for this long.
const STEADY_FOR: Duration = Duration::from_secs(60 * 60);

/// Deletes expired items, for ever.
pub(crate) async fn sweep(store: Store, clock: Clock, limits: Limits) {
    let mut every = interval(LOOK_EVERY);
    let (began, mut trust) = (Instant::now(), Trust::default());
    let (mut announced, mut due) = (None, Duration::ZERO);
    loop {
        every.tick().await;
        let (uptime, now) = (began.elapsed(), clock());
        if !trust.is_earned(uptime, now) {
            announced = None;
        } else if let Some(announced) = announced.take() {
            // After a failure the next sweep tries again.
            let _ = store.delete_expired(announced).await;
        } else if uptime >= due {
            due = uptime + SWEEP_EVERY;
            let is_announced = store.announce_expired(now, &limits).await.is_ok();
            announced = is_announced.then_some(now);
        }
    }
}

/// How long the clock has agreed with the uptime.
#[derive(Debug, Default)]
struct Trust {
    /// Uptime and clock at the last look.
    before: Option<(Duration, Millis)>,
    /// The uptime since which they agree.
    since: Duration,
}

impl Trust {
    fn is_earned(&mut self, uptime: Duration, now: Millis) -> bool {
        if let Some((then, was)) = self.before.replace((uptime, now)) {
            let passed = u64::try_from((uptime - then).as_millis()).unwrap_or(u64::MAX);
            if now.0.abs_diff(was.plus_ms(passed).0) > DRIFT_MS {
                self.since = uptime;
            }
        }
        uptime - self.since >= STEADY_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);
    const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

    /// A look at every minute, with how far the clock is ahead; whether it is trusted at the last.
    fn is_trusted(ahead: impl IntoIterator<Item = u64>) -> bool {
        let mut trust = Trust::default();
        let looks = (0..).zip(ahead).map(|(minute, ahead)| {
            let now = NOW.plus_ms(minute * 60_000 + ahead);
            trust.is_earned(Duration::from_secs(minute * 60), now)
        });
        looks.last().unwrap_or(false)
    }

    #[test]
    fn a_clock_that_jumped_is_trusted_after_an_hour() {
        let hour = || std::iter::repeat_n(0, 60);
        assert!(!is_trusted(hour()), "it may have jumped before the start");
        assert!(is_trusted(hour().chain([0])));
        assert!(!is_trusted(hour().chain([0, WEEK_MS])));
        assert!(!is_trusted(hour().chain([0, WEEK_MS, 0])));
        assert!(is_trusted(hour().chain([0, WEEK_MS, 0]).chain(hour())));
    }
}
