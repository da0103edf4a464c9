//! How well each host responds, and whether requests to it are skipped for a while.
//!
//! The real cloud rates a host by its name, for all accounts and ports together, and skips requests to a host that mostly
//! fails. The numbers are guesses (`guesses.rs`).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{
    clock::millis,
    guesses::{RATING_COOLDOWN, RATING_MIN_FAILURES, RATING_PERIOD},
};

/// Hooks reach three hosts only, but their names are templates.
const MAX_HOSTS: usize = 100;
/// Responses remembered of one host.
const MAX_RESPONSES: usize = 1000;

#[derive(Default)]
pub(crate) struct Ratings(Mutex<HashMap<String, Rating>>);

#[derive(Default)]
struct Rating {
    /// When, and whether it was a success. Oldest first.
    responses: VecDeque<(i64, bool)>,
    asleep: bool,
    last_failure: i64,
}

impl Ratings {
    /// Whether a request to this host is to be skipped now.
    pub(crate) fn asleep(&self, host: &str, now_ms: i64) -> bool {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rating) = hosts.get_mut(host) else {
            return false;
        };
        if rating.asleep && now_ms >= rating.last_failure + millis(RATING_COOLDOWN) {
            // Its old failures would put it to sleep again at once.
            rating.asleep = false;
            rating.responses.clear();
        }
        rating.asleep
    }

    /// Counts a response, or its absence as a failure.
    pub(crate) fn count(&self, host: &str, success: bool, now_ms: i64) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MAX_HOSTS && !hosts.contains_key(host) {
            hosts.clear();
        }
        let rating = hosts.entry(host.to_owned()).or_default();
        if rating.responses.len() >= MAX_RESPONSES {
            rating.responses.pop_front();
        }
        while rating.responses.front().is_some_and(|(at, _)| at + millis(RATING_PERIOD) <= now_ms) {
            rating.responses.pop_front();
        }
        rating.responses.push_back((now_ms, success));
        if !success {
            rating.last_failure = now_ms;
            let failures = rating.responses.iter().filter(|(_, success)| !success).count();
            rating.asleep =
                failures >= RATING_MIN_FAILURES && failures * 2 > rating.responses.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_mostly_fails_sleeps_until_the_cooldown() {
        let ratings = Ratings::default();
        for _ in 1..RATING_MIN_FAILURES {
            ratings.count("h", false, 0);
        }
        assert!(!ratings.asleep("h", 0));
        ratings.count("h", false, 0);
        assert!(ratings.asleep("h", 0));
        assert!(!ratings.asleep("other", 0));
        let wake = millis(RATING_COOLDOWN);
        assert!(ratings.asleep("h", wake - 1));
        assert!(!ratings.asleep("h", wake));
        ratings.count("h", false, wake);
        assert!(!ratings.asleep("h", wake), "it wakes with a clean slate");
    }

    #[test]
    fn a_host_that_mostly_succeeds_stays_awake() {
        let ratings = Ratings::default();
        for at in 0..50 {
            ratings.count("h", at % 2 == 0, at);
        }
        assert!(!ratings.asleep("h", 50));
        // Old failures are forgotten.
        for _ in 1..RATING_MIN_FAILURES {
            ratings.count("old", false, 0);
        }
        ratings.count("old", false, millis(RATING_PERIOD));
        assert!(!ratings.asleep("old", millis(RATING_PERIOD)));
    }
}
