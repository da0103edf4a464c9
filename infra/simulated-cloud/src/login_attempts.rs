//! Limits on sign-ins, and sign-ins that wait for their one-time code. A restart clears both.

use std::collections::VecDeque;

use crate::{
    guesses::OVER_LIMIT_STATUS,
    response::{ApiError, api_error},
};

/// Failures in a row that lock the account for a while.
const MAX_FAILURES: u32 = 10;
const LOCK_MS: i64 = 30 * 60 * 1000;
/// Token requests of one address within five minutes.
const MAX_REQUESTS: usize = 100;
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// How long a sign-in may wait for its one-time code.
const CODE_MS: i64 = 10 * 60 * 1000;
/// Sign-ins that may wait for a code at once.
const MAX_PENDING: usize = 100;

#[derive(Default)]
pub(crate) struct LoginAttempts {
    failures: u32,
    locked_until: i64,
    requests: VecDeque<i64>,
    pending: VecDeque<PendingLogin>,
}

/// A sign-in with the right password that waits for its one-time code.
struct PendingLogin {
    mfa_hash: String,
    expires_at: i64,
    /// What was asked for with the password.
    lifetime_s: Option<i64>,
}

impl LoginAttempts {
    /// Counts a token request; refuses it if there were too many, or too many failures.
    pub(crate) fn admit(&mut self, now: i64) -> Result<(), ApiError> {
        self.requests.retain(|at| at + WINDOW_MS > now);
        if self.requests.len() >= MAX_REQUESTS {
            let text = "more than 100 token requests in 5 minutes";
            return Err(api_error(OVER_LIMIT_STATUS, "too_many_requests", text));
        }
        self.requests.push_back(now);
        if self.locked_until > now {
            let text = "ten sign-ins failed in a row; the account is locked for 30 minutes";
            return Err(api_error(OVER_LIMIT_STATUS, "account_locked", text));
        }
        Ok(())
    }

    pub(crate) fn count_failure(&mut self, now: i64) {
        self.failures += 1;
        if self.failures >= MAX_FAILURES {
            self.failures = 0;
            self.locked_until = now + LOCK_MS;
        }
    }

    pub(crate) fn count_success(&mut self) {
        self.failures = 0;
    }

    /// Remembers a sign-in until its code arrives.
    pub(crate) fn await_code(&mut self, mfa_hash: String, lifetime_s: Option<i64>, now: i64) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(PendingLogin { mfa_hash, expires_at: now + CODE_MS, lifetime_s });
    }

    /// Completes the sign-in behind a hash if the code is right, and returns the lifetime asked for with its password.
    pub(crate) fn complete(
        &mut self,
        mfa_hash: &str,
        code_is_right: bool,
        now: i64,
    ) -> Result<Option<i64>, &'static str> {
        self.pending.retain(|login| login.expires_at > now);
        let found = |login: &PendingLogin| login.mfa_hash == mfa_hash;
        let place = self.pending.iter().position(found);
        let place = place.ok_or("this sign-in has expired; start again with the password")?;
        if !code_is_right {
            return Err("the one-time code is wrong");
        }
        let login = self.pending.remove(place);
        Ok(login.and_then(|login| login.lifetime_s))
    }
}
