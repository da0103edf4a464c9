//! Names of endpoints that this instance has seen to exist.
//!
//! A name that it has not seen costs a read before any write, because a write that fails by its condition costs a write
//! unit, and reads are cheaper and have a ceiling of their own: invented names must not use up what senders need. Nothing is
//! concluded from a name alone: the writes have their conditions, and no epoch is kept.

use std::collections::HashMap;

use delivery::key::Endpoint;

use crate::protocol::Refusal;

/// Names in each of the two generations.
const GENERATION: usize = 512;

/// What is remembered of an endpoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Until when its units are used up; a request is refused without asking the table.
    pub refusal: Refusal,
    /// Requests refused since its last number, which takes their count along.
    pub refused: u64,
}

/// The endpoints used last, in two generations; the older one is dropped when the newer is full.
#[derive(Debug, Default)]
pub struct Names {
    newer: HashMap<Endpoint, Seen>,
    older: HashMap<Endpoint, Seen>,
}

impl Names {
    /// What is remembered of an endpoint; `None` if it was not seen to exist.
    pub fn get(&mut self, name: &Endpoint) -> Option<Seen> {
        if let Some(seen) = self.older.remove(name) {
            self.insert(name, seen);
        }
        self.newer.get(name).copied()
    }

    fn insert(&mut self, name: &Endpoint, seen: Seen) {
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name.clone(), seen);
    }

    /// A number was given, and the count of those refused before is in the table.
    pub fn counted(&mut self, name: &Endpoint) {
        self.insert(name, Seen::default());
    }

    /// A request was refused.
    pub fn refused(&mut self, name: &Endpoint, refusal: Refusal) {
        let refused = self.get(name).map_or(0, |seen| seen.refused) + 1;
        self.insert(name, Seen { refusal, refused });
    }

    /// It does not exist.
    pub fn remove(&mut self, name: &Endpoint) {
        self.newer.remove(name);
        self.older.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use delivery::key::OwnerKey;

    use super::*;

    #[test]
    fn names_in_use_stay_and_their_count_is_bounded() {
        let name = |n: usize| {
            let bytes =
                std::array::from_fn(|at| u8::try_from((n >> (8 * (at % 4))) & 0xff).unwrap());
            OwnerKey::from_bytes(&bytes).share_key().endpoint()
        };
        let mut names = Names::default();
        names.counted(&name(0));
        for n in 1..5 * GENERATION {
            names.counted(&name(n));
            assert!(names.get(&name(0)).is_some(), "the one in use, after {n}");
            assert!(names.newer.len() + names.older.len() <= 2 * GENERATION);
        }
        assert!(names.get(&name(1)).is_none());
        names.remove(&name(0));
        assert!(names.get(&name(0)).is_none());
    }
}
