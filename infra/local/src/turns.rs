//! Whose turn it is when more ask than can be answered at once: the newest first.
//!
//! In a rush that is more than a machine can take, first come first served makes everybody wait until nobody waits any more;
//! and when the rush is over, those who come then wait behind what it left. The newest first, most are answered at once and the
//! oldest are told to come again; and who comes after a rush finds nobody before them. The price is that in a long rush just
//! below what can be taken, the one who was first may wait until its end, and be told to come again though all could have been
//! answered in their order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The turns of one listener.
#[derive(Debug)]
pub(crate) struct Turns(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    free: usize,
    /// The newest last. Those who gave up are passed over.
    waiting: Vec<oneshot::Sender<Turn>>,
}

/// A turn, passed on when dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Arc<Turns>>);

impl Turns {
    /// So many at once.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Turns(Mutex::new(Inner {
            free: most,
            waiting: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next turn. Who stops waiting is passed over.
    pub(crate) async fn next(self: &Arc<Self>) -> Turn {
        let turn = {
            let mut inner = self.inner();
            if inner.free > 0 {
                inner.free -= 1;
                return Turn(Some(Arc::clone(self)));
            }
            inner.waiting.retain(|waiting| !waiting.is_closed());
            let (given, turn) = oneshot::channel();
            inner.waiting.push(given);
            turn
        };
        match turn.await {
            Ok(turn) => turn,
            // Nobody drops a place in the queue whose holder waits.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else {
            return;
        };
        loop {
            let next = {
                let mut inner = turns.inner();
                match inner.waiting.pop() {
                    Some(next) => next,
                    None => {
                        inner.free += 1;
                        return;
                    }
                }
            };
            match next.send(Turn(Some(Arc::clone(&turns)))) {
                Ok(()) => return,
                // It gave up; this was only the offer, and the turn is still ours to pass on.
                Err(mut offered) => drop(offered.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_newest_has_the_next_turn_and_who_gave_up_has_none() {
        let turns = Turns::new(1);
        let first = turns.next().await;
        let mut oldest = pin!(turns.next());
        assert!(timeout(Duration::ZERO, &mut oldest).await.is_err());
        {
            let gives_up = pin!(turns.next());
            assert!(timeout(Duration::ZERO, gives_up).await.is_err());
        }
        let mut newest = pin!(turns.next());
        assert!(timeout(Duration::ZERO, &mut newest).await.is_err());
        drop(first);
        let newest = newest.await;
        assert!(timeout(Duration::ZERO, &mut oldest).await.is_err());
        drop(newest);
        drop(oldest.await);
        assert_eq!(turns.inner().free, 1);
    }

    #[tokio::test]
    async fn a_turn_that_was_given_to_who_no_longer_looks_is_passed_on() {
        let turns = Turns::new(1);
        let first = turns.next().await;
        {
            let mut given = pin!(turns.next());
            assert!(timeout(Duration::ZERO, &mut given).await.is_err());
            // Given, and dropped before it was taken.
            drop(first);
        }
        drop(turns.next().await);
        assert_eq!(turns.inner().free, 1);
    }
}
