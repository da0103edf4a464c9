//! The devices that are attached right now, and what is known of them only as long as the cloud runs.
//!
//! A device is reached over a link (`link.rs`); its controls (`controls.rs`) are for a person; the cloud delivers events to it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::event::{Event, MAX_NAME_BYTES, truncate};

/// Serial lines that a new viewer is shown first.
const KEPT_LINES: usize = 200;
/// Viewers of one device at a time.
const MAX_VIEWERS: usize = 32;
/// What an application may subscribe to on real hardware.
const MAX_PREFIXES: usize = 4;
/// Data operations count by started kilobytes.
const OPERATION_BYTES: u64 = 1024;

/// What a compiler said.
#[derive(Debug)]
pub(crate) enum Compiled {
    /// The `size` table of the program.
    Done(String),
    /// The whole output.
    Errors(String),
}

/// A flash under way; its events have a fixed order, whatever order the device reports in.
#[derive(Clone, Debug)]
pub(crate) struct Flashing {
    pub(crate) request: u64,
    /// "success" is published; the device restarts.
    pub(crate) delivered: bool,
    /// The first file's name.
    pub(crate) firmware: String,
    /// What stands for the application in `spark/device/app-hash`.
    pub(crate) app_hash: String,
}

/// Everything about one attached device that no restart keeps.
#[derive(Default)]
pub(crate) struct Session {
    /// Tells this link from an earlier one of the same device.
    pub(crate) link: u64,
    pub(crate) to_device: Option<mpsc::Sender<String>>,
    pub(crate) online: bool,
    pub(crate) running: bool,
    pub(crate) plugged: bool,
    pub(crate) power_source: Option<i32>,
    pub(crate) battery: Option<f64>,
    pub(crate) message: Option<String>,
    pub(crate) compiler: Option<String>,
    pub(crate) firmware: String,
    pub(crate) prefixes: Vec<String>,
    pub(crate) flash: Option<Flashing>,
    pub(crate) waiting: HashMap<u64, oneshot::Sender<Compiled>>,
    pub(crate) publishes: u64,
    pub(crate) responses: u64,
    pub(crate) signaling: bool,
    /// The most data of an event that its Device OS takes, in bytes; larger events never reach it.
    pub(crate) data_limit: usize,
    lines: VecDeque<String>,
    viewers: Vec<mpsc::Sender<Bytes>>,
}

impl Session {
    /// Hands a message to the link. A device that does not read is let go.
    pub(crate) fn send(&mut self, message: &Value) -> bool {
        let sent = self
            .to_device
            .as_ref()
            .is_some_and(|link| link.try_send(format!("{message}\n")).is_ok());
        if !sent {
            self.to_device = None;
        }
        sent
    }

    pub(crate) fn subscribe(&mut self, prefix: &str) {
        if self.prefixes.len() < MAX_PREFIXES {
            self.prefixes
                .push(truncate(prefix, MAX_NAME_BYTES).to_owned());
        }
    }

    pub(crate) fn print(&mut self, line: String) {
        let frame = frame("serial", &json!({"line": line}));
        if self.lines.len() >= KEPT_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.show(&frame);
    }

    pub(crate) fn show(&mut self, frame: &Bytes) {
        self.viewers
            .retain(|viewer| viewer.try_send(frame.clone()).is_ok());
    }

    /// Counts one publish of the device; internal events are free.
    pub(crate) fn count_publish(&mut self, name: &str, bytes: usize) {
        if !name.starts_with("spark") && !name.starts_with("particle") {
            self.publishes += operations(bytes);
        }
    }

    /// The lines so far and those to come; none if too many look on.
    pub(crate) fn view(&mut self) -> Option<(Vec<Bytes>, mpsc::Receiver<Bytes>)> {
        self.viewers.retain(|viewer| !viewer.is_closed());
        if self.viewers.len() >= MAX_VIEWERS {
            return None;
        }
        let (sender, receiver) = mpsc::channel(256);
        self.viewers.push(sender);
        Some((
            self.lines
                .iter()
                .map(|line| frame("serial", &json!({"line": line})))
                .collect(),
            receiver,
        ))
    }

    /// How the device is, as its viewers are shown it.
    pub(crate) fn state(&self, id: &str, name: &str) -> Value {
        json!({
            "id": id, "name": name, "online": self.online, "running": self.running, "plugged": self.plugged,
            "power_source": self.power_source, "battery": self.battery, "compiler": self.compiler,
            "message": self.message, "firmware": self.firmware, "signaling": self.signaling,
            "attached": self.to_device.is_some(),
            "data_operations": {"publishes": self.publishes, "responses": self.responses},
        })
    }
}

fn operations(bytes: usize) -> u64 {
    u64::try_from(bytes)
        .unwrap_or(0)
        .div_ceil(OPERATION_BYTES)
        .max(1)
}

pub(crate) fn frame(event: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    pub(crate) fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at or changes one device that is or was attached.
    pub(crate) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.all().get_mut(id).map(act)
    }

    pub(crate) fn online(&self, id: &str) -> bool {
        self.with(id, |session| session.online).unwrap_or(false)
    }

    /// Gives an event to every device that asked for it, and says which got it. The whole account has one owner, so a prefix
    /// decides.
    pub(crate) fn deliver(&self, event: &Event) -> Vec<String> {
        let mut got = Vec::new();
        for (id, session) in self.all().iter_mut() {
            if !session.online
                || !session
                    .prefixes
                    .iter()
                    .any(|prefix| event.name.as_bytes().starts_with(prefix.as_bytes()))
            {
                continue;
            }
            let bytes = event.data.as_deref().map_or(0, str::len);
            if bytes > session.data_limit {
                continue;
            }
            if session.send(&json!({"type": "event", "name": event.name, "data": event.data})) {
                session.responses += operations(bytes);
                got.push(id.clone());
            }
        }
        got
    }
}
