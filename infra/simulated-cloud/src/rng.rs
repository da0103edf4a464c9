//! Ids, tokens and passwords: from the operating system's randomness, or counted from a seed so that a test repeats.

use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

#[derive(Debug)]
pub(crate) struct Rng {
    seed: Option<u64>,
    /// Counts draws, which a seed makes repeatable.
    drawn: AtomicU64,
}

impl Rng {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }

    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        match self.seed {
            Some(seed) => {
                let count = self.drawn.fetch_add(1, Ordering::Relaxed);
                let mut hash = Sha256::new();
                hash.update(seed.to_be_bytes());
                hash.update(count.to_be_bytes());
                bytes.copy_from_slice(&hash.finalize());
            }
            None => getrandom::fill(&mut bytes).expect("the operating system gives random bytes"),
        }
        bytes
    }

    /// 24 hex digits: accounts, devices, integrations, events.
    pub(crate) fn id(&self) -> String {
        HEXLOWER.encode(&self.bytes()[..12])
    }

    /// 40 hex digits: access tokens.
    pub(crate) fn token(&self) -> String {
        HEXLOWER.encode(&self.bytes()[..20])
    }

    /// 20 letters and digits in groups of five.
    pub(crate) fn password(&self) -> String {
        let text = BASE32_NOPAD.encode(&self.bytes()).to_ascii_lowercase();
        format!("{}-{}-{}-{}", &text[..5], &text[5..10], &text[10..15], &text[15..20])
    }
}

/// SHA-256 in hex: how tokens are stored. Secrets are compared by it, so that the duration reveals nothing.
pub(crate) fn digest(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}
