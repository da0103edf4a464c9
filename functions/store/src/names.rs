//! Names of endpoints that this instance has seen to exist.
//!
//! A name that it has not seen costs a read before any write, because a write that fails by its condition costs a write
//! unit, and reads are cheaper and have a ceiling of their own: invented names must not use up what senders need. Nothing is
//! concluded from a name alone: the writes have their conditions, and no epoch is kept.

use std::collections::HashSet;

use delivery::key::Endpoint;

/// Names in each of the two generations.
const GENERATION: usize = 512;

/// The names used last, in two generations; the older one is dropped when the newer is full.
#[derive(Debug, Default)]
pub struct Names {
    newer: HashSet<Endpoint>,
    older: HashSet<Endpoint>,
}

impl Names {
    /// Whether a name is among them.
    pub fn contains(&mut self, name: &Endpoint) -> bool {
        if self.older.contains(name) {
            self.insert(name);
        }
        self.newer.contains(name)
    }

    /// Adds a name that exists.
    pub fn insert(&mut self, name: &Endpoint) {
        if self.newer.len() == GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name.clone());
    }

    /// Removes a name that was found not to exist.
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
        names.insert(&name(0));
        for n in 1..5 * GENERATION {
            names.insert(&name(n));
            assert!(names.contains(&name(0)), "the one in use, after {n}");
            assert!(names.newer.len() + names.older.len() <= 2 * GENERATION);
        }
        assert!(!names.contains(&name(1)));
        names.remove(&name(0));
        assert!(!names.contains(&name(0)));
    }
}
