//! Time as a value: the real clock, or one that a test moves by hand.
//!
//! Tokio's paused time is no substitute here: it jumps ahead by itself whenever every task waits, and a task that waits for a
//! socket counts as waiting, so a 20 s limit would strike while the answer is still on its way.

use std::{sync::Arc, time::Duration};

use time::{OffsetDateTime, macros::format_description};
use tokio::sync::watch;

/// The time. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real,
    /// Unix time in milliseconds.
    Virtual(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// The clock of this computer.
    pub fn real() -> Self {
        Self(Source::Real)
    }

    /// A clock that shows `unix_ms` (milliseconds since 1970) until [`Clock::advance`] is called.
    pub fn standing_at(unix_ms: i64) -> Self {
        Self(Source::Virtual(Arc::new(watch::Sender::new(unix_ms))))
    }

    /// Moves a virtual clock forward and wakes the tasks whose time has come.
    ///
    /// # Panics
    /// On the real clock.
    pub fn advance(&self, by: Duration) {
        let Source::Virtual(time) = &self.0 else { panic!("only a virtual clock can be moved") };
        time.send_modify(|now| *now += millis(by));
    }

    /// Milliseconds since 1970, UTC.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::Real => real_now(),
            Source::Virtual(time) => *time.borrow(),
        }
    }

    /// Waits until the clock shows `unix_ms` or later.
    pub async fn sleep_until(&self, unix_ms: i64) {
        match &self.0 {
            Source::Real => {
                let left = unix_ms - real_now();
                tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
            }
            Source::Virtual(time) => {
                let mut seen = time.subscribe();
                // The sender lives as long as this clock does, so waiting cannot fail.
                let _ = seen.wait_for(|now| *now >= unix_ms).await;
            }
        }
    }

    /// Waits for a span of this clock's time.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now_ms() + millis(span)).await;
    }
}

/// Whole milliseconds of a span; spans here are seconds to months.
pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// `2026-11-23T11:03:14.111Z`, the form of every time on Particle's wire.
pub(crate) fn iso(unix_ms: i64) -> String {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(form).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place of the crate that reads the computer's clock"
)]
fn real_now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, millis)
}
