//! Who is in, and who has to leave first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout_at},
};

/// The places of one listener.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    grace: Duration,
    room: Mutex<Room>,
    /// Told when a place was given back, or its holder began to wait and so can be asked to leave.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Room {
    taken: usize,
    last_turn: u64,
    /// Those who wait for their sender, in the order in which they began to.
    waiting: BTreeMap<u64, (Instant, Arc<Seat>)>,
}

/// What a place's holder and the room know in common.
#[derive(Debug, Default)]
struct Seat {
    is_lost: AtomicBool,
    told: Notify,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    seat: Arc<Seat>,
    /// Its turn in `waiting`, while it is there.
    turn: Mutex<Option<u64>>,
}

impl Places {
    pub(crate) fn new(most: usize, grace: Duration) -> Self {
        Places {
            most: most.max(1),
            grace,
            room: Mutex::default(),
            freed: Notify::new(),
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place: a free one, or the one that has waited the longest and long enough, or the next that is given back.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        while let Some(next) = self.try_take() {
            let given_back = self.freed.notified();
            match next {
                Some(ripe) => drop(timeout_at(ripe, given_back).await),
                None => given_back.await,
            }
        }
        let place = Place {
            places: Arc::clone(self),
            seat: Arc::default(),
            turn: Mutex::default(),
        };
        place.waits();
        place
    }

    /// None if a place was taken; or else when the next who waits has done so for long enough, if anybody waits.
    fn try_take(&self) -> Option<Option<Instant>> {
        let mut room = self.room();
        if room.taken >= self.most {
            let first = room.waiting.first_key_value();
            let ripe = first.map(|(_, (since, _))| *since + self.grace);
            if ripe.is_none_or(|ripe| ripe > Instant::now()) {
                return Some(ripe);
            }
            room.dismiss_first();
        }
        room.taken += 1;
        None
    }

    /// Takes their place from those who wait for longer than `limit`, for ever.
    pub(crate) async fn keep_closing(&self, limit: Duration) {
        loop {
            let next = {
                let mut room = self.room();
                let now = Instant::now();
                loop {
                    match room.waiting.first_key_value() {
                        None => break now + limit,
                        Some((_, (since, _))) if *since + limit > now => break *since + limit,
                        Some(_) => {
                            room.dismiss_first();
                            self.freed.notify_one();
                        }
                    }
                }
            };
            sleep_until(next).await;
        }
    }
}

impl Room {
    fn dismiss_first(&mut self) {
        if let Some((_, (_, seat))) = self.waiting.pop_first() {
            self.taken -= 1;
            seat.is_lost.store(true, Ordering::SeqCst);
            seat.told.notify_one();
        }
    }
}

impl Place {
    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it waits for its sender.
    pub(crate) fn waits(&self) {
        let mut room = self.places.room();
        if self.seat.is_lost.load(Ordering::SeqCst) {
            return;
        }
        room.last_turn += 1;
        let now = room.last_turn;
        if let Some(before) = self.turn().replace(now) {
            room.waiting.remove(&before);
        }
        room.waiting
            .insert(now, (Instant::now(), Arc::clone(&self.seat)));
        // Whoever waits for a place has somebody now whose place it can be.
        self.places.freed.notify_one();
    }

    /// From now on its sender waits for us. False if the place was lost before: then nothing may be done for it.
    pub(crate) fn works(&self) -> bool {
        let mut room = self.places.room();
        if let Some(turn) = self.turn().take() {
            room.waiting.remove(&turn);
        }
        !self.seat.is_lost.load(Ordering::SeqCst)
    }

    /// Until the place is lost.
    pub(crate) async fn lost(&self) {
        self.seat.told.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.works() {
            self.places.room().taken -= 1;
            self.places.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_longest_waiting_leaves_for_the_next_and_who_works_stays() {
        let places = Arc::new(Places::new(2, Duration::ZERO));
        let working = places.take().await;
        assert!(working.works());
        let first = places.take().await;
        let second = places.take().await;
        first.lost().await;
        assert!(!first.works(), "what it sends now is not taken");
        first.waits();
        // Its end gives nothing back: the place is the second's.
        drop(first);
        assert!(second.works() && working.works());
        let mut next = std::pin::pin!(places.take());
        assert!(timeout(Duration::ZERO, &mut next).await.is_err());
        drop(second);
        assert!(next.await.works());
        assert_eq!(places.room().taken, 1);
    }

    #[tokio::test]
    async fn who_is_answered_and_stays_makes_room_for_who_could_not_come_in() {
        let places = Arc::new(Places::new(1, Duration::ZERO));
        let first = places.take().await;
        assert!(first.works());
        let mut next = std::pin::pin!(places.take());
        assert!(timeout(Duration::ZERO, &mut next).await.is_err());
        first.waits();
        let next = timeout(Duration::from_secs(10), next)
            .await
            .expect("a place");
        assert!(next.works() && !first.works());
    }

    #[tokio::test]
    async fn who_has_just_come_is_given_time_to_ask() {
        let places = Arc::new(Places::new(1, Duration::from_millis(50)));
        let first = places.take().await;
        let mut second = std::pin::pin!(places.take());
        assert!(timeout(Duration::ZERO, &mut second).await.is_err());
        let second = second.await;
        assert!(!first.works() && second.works());
    }

    #[tokio::test]
    async fn who_waits_too_long_leaves_though_there_is_room() {
        let places = Arc::new(Places::new(9, Duration::ZERO));
        let (idle, working) = (places.take().await, places.take().await);
        assert!(working.works());
        tokio::select! {
            () = places.keep_closing(Duration::from_millis(20)) => {}
            () = idle.lost() => {}
        }
        assert!(!idle.works() && working.works());
        drop(idle);
        assert_eq!(places.room().taken, 1);
    }
}
