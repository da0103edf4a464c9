//! Whose turn it is when more ask than can be answered at once: in their order, as long as that keeps anybody waiting for a
//! while only; the newest first, when it would not.
//!
//! In a rush that is more than a machine can take, first come first served makes everybody wait until nobody waits any more;
//! and when the rush is over, those who come then wait behind what it left. The newest first, most are answered at once and
//! the oldest are told to come again; and who comes after a rush finds nobody before them. But where all could have been
//! answered in their order, it would turn the first of them away. So the longest waiting is next until it has waited for half
//! of the time that anybody may wait, which it has only where more came than could be answered; from then on the newest is,
//! until those who have waited so long are gone. This is the adaptive LIFO of <https://queue.acm.org/detail.cfm?id=2839461>.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

/// The turns of one listener.
#[derive(Debug)]
pub(crate) struct Turns(Mutex<Room>);

#[derive(Debug)]
struct Room {
    free: usize,
    queue: Queue<oneshot::Sender<Turn>>,
}

/// Those who wait, in the order in which they came.
#[derive(Debug)]
struct Queue<T> {
    /// How long the first of them may have waited and still be next.
    in_order_for: Duration,
    waiting: VecDeque<(Instant, T)>,
}

/// A turn, passed on when dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Arc<Turns>>);

impl<T> Queue<T> {
    /// Of those who wait for so long at most.
    fn new(queue_for: Duration) -> Self {
        Queue {
            in_order_for: queue_for / 2,
            waiting: VecDeque::new(),
        }
    }

    fn next(&mut self, now: Instant) -> Option<T> {
        let (since, _) = self.waiting.front()?;
        let next = if now.duration_since(*since) < self.in_order_for {
            self.waiting.pop_front()
        } else {
            self.waiting.pop_back()
        };
        next.map(|(_, next)| next)
    }
}

impl Turns {
    /// So many at once, of whom nobody waits for longer than `queue_for`.
    pub(crate) fn new(most: usize, queue_for: Duration) -> Arc<Self> {
        Arc::new(Turns(Mutex::new(Room {
            free: most,
            queue: Queue::new(queue_for),
        })))
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next turn. Who stops waiting is passed over.
    pub(crate) async fn next(self: &Arc<Self>) -> Turn {
        let turn = {
            let mut room = self.room();
            if room.free > 0 {
                room.free -= 1;
                return Turn(Some(Arc::clone(self)));
            }
            room.forget_who_gave_up();
            let (given, turn) = oneshot::channel();
            room.queue.waiting.push_back((Instant::now(), given));
            turn
        };
        match turn.await {
            Ok(turn) => turn,
            // Nobody drops a place in the queue whose holder waits.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Room {
    fn forget_who_gave_up(&mut self) {
        self.queue.waiting.retain(|(_, given)| !given.is_closed());
    }

    /// Who is next, or nobody; then there is a turn more.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        self.forget_who_gave_up();
        let next = self.queue.next(Instant::now());
        if next.is_none() {
            self.free += 1;
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else {
            return;
        };
        loop {
            let Some(next) = turns.room().next() else {
                return;
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
    use std::{future::Future, pin::Pin, task::Poll};

    use super::*;

    const QUEUE_FOR: Duration = Duration::from_secs(8);

    type Asking = Pin<Box<dyn Future<Output = Turn> + Send>>;

    /// Somebody who has begun to wait.
    async fn waits(turns: &Arc<Turns>) -> Asking {
        let turns = Arc::clone(turns);
        let mut asking: Asking = Box::pin(async move { turns.next().await });
        assert!(!has_turn(&mut asking).await);
        asking
    }

    async fn has_turn(asking: &mut Asking) -> bool {
        std::future::poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx).is_ready())).await
    }

    #[tokio::test]
    async fn turns_are_taken_in_order_and_who_gave_up_has_none() {
        let turns = Turns::new(1, QUEUE_FOR);
        let first = turns.next().await;
        let mut second = waits(&turns).await;
        drop(waits(&turns).await);
        let mut third = waits(&turns).await;
        drop(first);
        let second = second.as_mut().await;
        assert!(!has_turn(&mut third).await);
        drop(second);
        drop(third.as_mut().await);
        assert_eq!(turns.room().free, 1);
    }

    #[tokio::test]
    async fn a_turn_that_was_given_to_who_no_longer_looks_is_passed_on() {
        let turns = Turns::new(1, QUEUE_FOR);
        let first = turns.next().await;
        {
            let _given = waits(&turns).await;
            // Given, and dropped before it was taken.
            drop(first);
        }
        drop(turns.next().await);
        assert_eq!(turns.room().free, 1);
    }

    /// One answer takes a tenth of a second. So many ask at once, and then one every `each` for a minute. How long each waited
    /// for its turn, in the order in which they came; none for who gave up.
    fn rush(at_once: u32, each: Duration) -> Vec<Option<Duration>> {
        let began = Instant::now();
        let rest = u32::try_from(60_000 / each.as_millis()).unwrap();
        let comes = (0..at_once).map(|_| began);
        let comes = comes.chain((1..=rest).map(|nth| began + each * nth));
        let mut coming = comes.enumerate().peekable();
        let mut queue = Queue::new(QUEUE_FOR);
        let mut waited = vec![None; usize::try_from(at_once + rest).unwrap()];
        let mut now = began;
        loop {
            while let Some((nth, came)) = coming.next_if(|(_, came)| *came <= now) {
                queue.waiting.push_back((came, (nth, came)));
            }
            queue
                .waiting
                .retain(|(came, _)| now.duration_since(*came) < QUEUE_FOR);
            if let Some((nth, came)) = queue.next(now) {
                waited[nth] = Some(now.duration_since(came));
                now += Duration::from_millis(100);
            } else if let Some((_, next)) = coming.peek() {
                now = *next;
            } else {
                return waited;
            }
        }
    }

    #[test]
    fn where_all_can_be_answered_all_are_in_order_and_in_a_long_rush_most_are_at_once() {
        let millis = Duration::from_millis;
        // Nine in ten of what can be taken, after a burst that takes almost half of what anybody may wait.
        let below = rush(36, millis(111));
        assert!(
            below
                .iter()
                .all(|waited| waited.is_some_and(|waited| waited < QUEUE_FOR / 2))
        );

        // A burst that takes longer than that, and no longer than anybody may wait.
        let burst = rush(79, Duration::from_secs(60));
        assert!(burst.iter().all(Option::is_some), "{burst:?}");
        assert!(burst[..40].is_sorted(), "{burst:?}");

        // Four times what can be taken.
        let above = rush(1, millis(25));
        let mut answered: Vec<_> = above.iter().flatten().collect();
        answered.sort_unstable();
        assert!(answered.len() >= 600, "no turn is lost: {}", answered.len());
        assert!(*answered[answered.len() / 2] <= millis(100));
        // And who comes when it is over, has nobody before them but who came last.
        assert!(
            above
                .last()
                .unwrap()
                .is_some_and(|waited| waited <= millis(100))
        );
    }
}
