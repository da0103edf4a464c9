//! What every part of the cloud shares: its state, its time, and how events are published.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::{
    binaries::Binaries,
    config::Config,
    event::{Content, Event, FROM_CLOUD, sanitize_name},
    file,
    guesses::Guess,
    login_attempts::LoginAttempts,
    rng::Rng,
    sessions::Sessions,
    state::State,
    streams::Streams,
};

/// The longest name the cloud itself makes: a topic, a device id and a number around a published name.
const MAX_MADE_NAME_BYTES: usize = 256;

/// Receives every published event.
pub(crate) type Subscriber = Box<dyn Fn(&Arc<AppState>, &Arc<Event>) + Send + Sync>;

pub(crate) struct AppState {
    pub(crate) addr: SocketAddr,
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) streams: Streams,
    pub(crate) sessions: Sessions,
    pub(crate) binaries: Binaries,
    pub(crate) login_attempts: Mutex<LoginAttempts>,
    pub(crate) stopping: watch::Sender<bool>,
    /// In the order in which they receive events.
    subscribers: Vec<Subscriber>,
    /// The last number of a device session or of a request to a device.
    last_request: AtomicU64,
    state: Mutex<State>,
    /// Counts changes of the state, so that one write covers all changes before it.
    version: AtomicU64,
    /// The version in the file.
    written: tokio::sync::Mutex<u64>,
    dirty: Notify,
}

impl AppState {
    pub(crate) fn new(
        addr: SocketAddr,
        config: Config,
        rng: Rng,
        state: State,
        subscribers: Vec<Subscriber>,
    ) -> Self {
        Self {
            addr,
            config,
            rng,
            streams: Streams::default(),
            sessions: Sessions::default(),
            binaries: Binaries::default(),
            login_attempts: Mutex::default(),
            stopping: watch::Sender::new(false),
            subscribers,
            last_request: AtomicU64::new(0),
            state: Mutex::new(state),
            version: AtomicU64::new(1),
            written: tokio::sync::Mutex::new(0),
            dirty: Notify::new(),
        }
    }

    /// The state, to read. Never held across an await, and no other lock is taken while it is held.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state; it reaches the file a moment later, or at the next [`AppState::save`].
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.version.fetch_add(1, Ordering::SeqCst);
        self.dirty.notify_one();
        result
    }

    /// Writes the state if it changed. What a response promises is saved before it is sent.
    pub(crate) async fn save(&self) -> std::io::Result<()> {
        let Some(folder) = self.config.data_dir.clone() else {
            return Ok(());
        };
        let mut written = self.written.lock().await;
        let version = self.version.load(Ordering::SeqCst);
        if *written == version {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&*self.state())?;
        tokio::task::spawn_blocking(move || file::write(&folder, &text))
            .await
            .map_err(std::io::Error::other)??;
        *written = version;
        Ok(())
    }

    /// Writes changes that no response waits for, such as counters, at most four times a second.
    pub(crate) async fn keep_saving(self: Arc<Self>) {
        let mut stopping = self.stopping.subscribe();
        loop {
            tokio::select! {
                () = self.dirty.notified() => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            // A full disk is reported by the next call that must save; the counters stay in memory until then.
            let _ = self.save().await;
        }
    }

    /// A number that was not used before.
    pub(crate) fn next_request(&self) -> u64 {
        self.last_request.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.config.clock.now_ms()
    }

    /// Sends an event to the streams, then to each subscriber: on every stream a cause precedes its effects.
    pub(crate) fn publish(self: &Arc<Self>, event: Event) {
        self.streams.send(&event);
        let event = Arc::new(event);
        for subscriber in &self.subscribers {
            subscriber(self, &event);
        }
    }

    /// Publishes an event of a device.
    pub(crate) fn publish_from_device(
        self: &Arc<Self>,
        id: &str,
        name: &str,
        data: Option<String>,
        content: Content,
    ) {
        let product = self.state().device(id).and_then(|device| device.product);
        let event = self.event(name, data, id, product);
        self.publish(Event { content, ..event });
    }

    /// Publishes an event of the cloud itself about a hook.
    pub(crate) fn publish_from_cloud(
        self: &Arc<Self>,
        name: &str,
        data: Option<String>,
        content: Content,
        product: Option<i64>,
        guesses: Vec<Guess>,
    ) {
        let event = self.event(name, data, FROM_CLOUD, product);
        self.publish(Event { content, guesses, ..event });
    }

    /// The name that the owner gave a device; empty if it is unknown.
    pub(crate) fn device_name(&self, id: &str) -> String {
        let state = self.state();
        let name = state.device(id).map(|device| device.name.clone());
        name.unwrap_or_default()
    }

    /// Makes an event that is published now.
    pub(crate) fn event(
        &self,
        name: &str,
        data: Option<String>,
        coreid: &str,
        product: Option<i64>,
    ) -> Event {
        let state = self.state();
        let platform = state.device(coreid).map_or(0, |device| device.platform_id);
        Event {
            id: self.rng.id(),
            name: sanitize_name(name, MAX_MADE_NAME_BYTES),
            data,
            content: Content::Text,
            published_at: self.now(),
            coreid: coreid.to_owned(),
            userid: state.user_id.clone(),
            product_id: product.unwrap_or(i64::from(platform)),
            in_product: product.is_some(),
            guesses: Vec::new(),
        }
    }
}
