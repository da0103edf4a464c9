//! What every part of the cloud shares: its state, its time and the ways to make events.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore, watch};

use crate::{
    binaries::Binaries,
    clock::Clock,
    device_messages,
    event::{Event, FROM_CLOUD, sanitize_name},
    file,
    guesses::Guess,
    hook,
    hook::rating::Ratings,
    rng::Rng,
    sessions::Sessions,
    signin::Signins,
    state::State,
    streams::Streams,
};

/// The longest name the cloud itself makes: a topic, a device id and a number around a published name.
const MAX_MADE_NAME_BYTES: usize = 256;

pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) addr: SocketAddr,
    pub(crate) page_origins: Vec<String>,
    pub(crate) mfa: Option<String>,
    pub(crate) reorder_parts: bool,
    pub(crate) streams: Streams,
    pub(crate) sessions: Sessions,
    pub(crate) binaries: Binaries,
    pub(crate) ratings: Ratings,
    pub(crate) signins: Mutex<Signins>,
    /// Places of webhook requests that are under way or wait to be tried again.
    pub(crate) running_hooks: Arc<Semaphore>,
    /// Turns of those that are being sent.
    pub(crate) sending: Semaphore,
    pub(crate) stopping: watch::Sender<bool>,
    /// Numbers links and what is asked of devices.
    requests: AtomicU64,
    state: Mutex<State>,
    folder: Option<PathBuf>,
    /// Counts changes of the state, so that one write serves all that came before it.
    version: AtomicU64,
    written: tokio::sync::Mutex<u64>,
    dirty: Notify,
}

/// The parts of a [`Core`] that its creator decides.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) addr: SocketAddr,
    pub(crate) page_origins: Vec<String>,
    pub(crate) mfa: Option<String>,
    pub(crate) reorder_parts: bool,
    pub(crate) state: State,
    pub(crate) folder: Option<PathBuf>,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            clock: parts.clock,
            rng: parts.rng,
            addr: parts.addr,
            page_origins: parts.page_origins,
            mfa: parts.mfa,
            reorder_parts: parts.reorder_parts,
            streams: Streams::default(),
            sessions: Sessions::default(),
            binaries: Binaries::default(),
            ratings: Ratings::default(),
            signins: Mutex::default(),
            running_hooks: Arc::new(Semaphore::new(hook::run::MAX_RUNNING)),
            sending: Semaphore::new(hook::run::MAX_SENDING),
            stopping: watch::Sender::new(false),
            requests: AtomicU64::new(1),
            state: Mutex::new(parts.state),
            folder: parts.folder,
            version: AtomicU64::new(1),
            written: tokio::sync::Mutex::new(0),
            dirty: Notify::new(),
        }
    }

    /// The state, to read. Never held across an await, and no other lock is taken while it is held.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state; it reaches the file a moment later, or at the next [`Core::save`].
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.version.fetch_add(1, Ordering::SeqCst);
        self.dirty.notify_one();
        result
    }

    /// Writes the state if it changed. What an answer promises is saved before the answer is sent.
    pub(crate) async fn save(&self) -> std::io::Result<()> {
        let Some(folder) = self.folder.clone() else {
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

    /// Writes changes that nobody waits for, such as counters: a few times a second at most.
    pub(crate) async fn keep_saving(self: Arc<Self>) {
        let mut stopping = self.stopping.subscribe();
        loop {
            tokio::select! {
                () = self.dirty.notified() => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            // A full disk shows at the next call that must save; the counters stay in memory until then.
            let _ = self.save().await;
        }
    }

    /// A number that was not given out before.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Sends an event everywhere it belongs: streams, subscribed devices, hooks. In this order, so that on every stream the
    /// cause stands before its effects.
    pub(crate) fn publish(self: &Arc<Self>, event: Event) {
        self.streams.send(&event);
        for id in self.sessions.deliver(&event) {
            device_messages::show(self, &id);
        }
        if event.may_trigger_hooks() {
            hook::run::trigger(self, &Arc::new(event));
        }
    }

    /// An event as yet without a source of its own.
    pub(crate) fn event(
        &self,
        name: &str,
        data: Option<String>,
        coreid: &str,
        product: Option<i64>,
    ) -> Event {
        let (userid, platform) = {
            let state = self.state();
            let platform = state
                .device(coreid)
                .map_or(0, |device| i64::from(device.platform_id));
            (state.user_id.clone(), platform)
        };
        Event {
            id: self.rng.id(),
            name: sanitize_name(name, MAX_MADE_NAME_BYTES),
            data,
            published_at: self.now(),
            coreid: coreid.to_owned(),
            userid,
            product_id: product.unwrap_or(platform),
            in_product: product.is_some(),
            guesses: Vec::new(),
        }
    }

    /// Publishes what the cloud itself has to say about a hook.
    pub(crate) fn announce(
        self: &Arc<Self>,
        name: &str,
        data: Option<String>,
        product: Option<i64>,
        guesses: Vec<Guess>,
    ) {
        let mut event = self.event(name, data, FROM_CLOUD, product);
        event.guesses = guesses;
        self.publish(event);
    }
}
