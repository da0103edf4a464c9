//! Compiled programs that can be fetched.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Beyond this, a new program replaces the oldest.
const MAX_BINARIES: usize = 16;

#[derive(Default)]
pub(crate) struct Binaries(Mutex<VecDeque<(String, i64, Vec<u8>)>>);

impl Binaries {
    pub(crate) fn keep(&self, id: String, expires_at: i64, bytes: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_BINARIES {
            kept.pop_front();
        }
        kept.push_back((id, expires_at, bytes));
    }

    pub(crate) fn get(&self, id: &str, now_ms: i64) -> Option<Vec<u8>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(other, expires_at, _)| other == id && *expires_at > now_ms)
            .map(|(_, _, bytes)| bytes.clone())
    }
}
