//! The sessions of devices: what is known of a device only while the cloud runs.
//!
//! A device is reached over a link (`link.rs`). Its owner has controls for it (`controls.rs`). The cloud delivers events to it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use data_encoding::BASE64;
use device_link::{CloudMessage, ContentType, DeviceState, VariableKind};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};

use crate::event::{Content, Event, MAX_NAME_BYTES, truncate};

/// Serial lines that a new watcher gets first.
const KEPT_LINES: usize = 200;
/// Watchers of one device at a time.
const MAX_WATCHERS: usize = 32;
/// What an application may subscribe to on real hardware.
const MAX_PREFIXES: usize = 4;
const MAX_FUNCTIONS: usize = 15;
const MAX_VARIABLES: usize = 20;
/// Data operations are counted per started kilobyte.
const OPERATION_BYTES: u64 = 1024;

/// The result of a compilation.
#[derive(Debug)]
pub(crate) enum Compiled {
    /// The `size` table of the program.
    Done(String),
    /// The whole output.
    Errors(String),
}

/// A flash under way; its events have a fixed order, whatever order the device reports in.
pub(crate) struct Flashing {
    pub(crate) request: u64,
    /// "success" is published; the device restarts.
    pub(crate) delivered: bool,
    /// The first file's name.
    pub(crate) firmware: String,
    /// The data of `spark/device/app-hash`.
    pub(crate) app_hash: String,
    /// The next call begins when this flash is over.
    pub(crate) _turn: OwnedMutexGuard<()>,
}

/// What is known of one device that was linked since the cloud started.
#[derive(Default)]
pub(crate) struct Session {
    /// The number of the link, which tells it from an earlier one of the same device.
    pub(crate) link: u64,
    to_device: Option<mpsc::Sender<CloudMessage>>,
    pub(crate) online: bool,
    /// As the device last reported it.
    pub(crate) reported: DeviceState,
    pub(crate) compiler: Option<String>,
    pub(crate) firmware: String,
    prefixes: Vec<String>,
    /// The firmware's functions, in the order of their registration.
    pub(crate) functions: Vec<String>,
    /// The firmware's variables, in the order of their registration.
    pub(crate) variables: Vec<(String, VariableKind)>,
    /// Functions that are being called and variables that are being read, by request.
    pub(crate) calling: HashMap<u64, oneshot::Sender<Option<String>>>,
    /// Whoever compiles or flashes holds it; the others wait in line.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) flash: Option<Flashing>,
    /// Compilations under way, by request.
    pub(crate) compiling: HashMap<u64, oneshot::Sender<Compiled>>,
    publishes: u64,
    responses: u64,
    pub(crate) signaling: bool,
    /// The most data of an event that its Device OS takes, in bytes; larger events never reach it.
    pub(crate) data_limit: usize,
    lines: VecDeque<String>,
    watchers: Vec<mpsc::Sender<Bytes>>,
}

impl Session {
    pub(crate) fn is_linked(&self) -> bool {
        self.to_device.is_some()
    }

    /// A device without power can neither compile nor notice its button.
    pub(crate) fn has_power(&self) -> bool {
        self.is_linked() && self.reported.plugged
    }

    /// Begins with a new link.
    pub(crate) fn restart(&mut self, link: u64, to_device: mpsc::Sender<CloudMessage>) {
        self.end();
        self.link = link;
        self.to_device = Some(to_device);
        self.reported.plugged = true;
        self.reported.message = None;
        self.set_online(false);
        self.flash = None;
    }

    /// Ends the link, and with it what was under way but the flash.
    pub(crate) fn end(&mut self) {
        self.to_device = None;
        self.reported.running = false;
        self.compiling.clear();
    }

    /// A new connection begins without subscriptions, functions and variables. Returns whether it was online before.
    pub(crate) fn set_online(&mut self, online: bool) -> bool {
        self.prefixes.clear();
        self.functions.clear();
        self.variables.clear();
        self.calling.clear();
        self.signaling &= online;
        std::mem::replace(&mut self.online, online)
    }

    /// Queues a message for the device. A device that does not read is disconnected.
    pub(crate) fn send(&mut self, message: CloudMessage) -> bool {
        let sender = self.to_device.take();
        self.to_device = sender.filter(|sender| sender.try_send(message).is_ok());
        self.is_linked()
    }

    pub(crate) fn subscribe(&mut self, prefix: &str) {
        if self.prefixes.len() < MAX_PREFIXES {
            let prefix = truncate(prefix, MAX_NAME_BYTES);
            self.prefixes.push(prefix.to_owned());
        }
    }

    pub(crate) fn add_function(&mut self, name: &str) {
        let name = truncate(name, MAX_NAME_BYTES);
        let is_known = self.functions.iter().any(|known| known == name);
        if !is_known && self.functions.len() < MAX_FUNCTIONS {
            self.functions.push(name.to_owned());
        }
    }

    pub(crate) fn add_variable(&mut self, name: &str, kind: VariableKind) {
        let name = truncate(name, MAX_NAME_BYTES);
        self.variables.retain(|(known, _)| known != name);
        if self.variables.len() < MAX_VARIABLES {
            self.variables.push((name.to_owned(), kind));
        }
    }

    /// Delivers an event if the device wants and takes it. The whole account has one owner, so a prefix decides.
    fn deliver(&mut self, event: &Event) -> bool {
        let is_wanted = |prefix: &String| event.name.starts_with(prefix.as_str());
        if !self.online || !self.prefixes.iter().any(is_wanted) {
            return false;
        }
        let bytes = event.size();
        let is_delivered = bytes <= self.data_limit
            && event_for_device(event).is_some_and(|message| self.send(message));
        if is_delivered {
            self.responses += operations(bytes);
        }
        is_delivered
    }

    /// Keeps a serial line and shows it.
    pub(crate) fn print(&mut self, line: String) {
        let frame = serial_frame(&line);
        if self.lines.len() >= KEPT_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.show(&frame);
    }

    /// Sends a frame to the watchers; those that fall behind are dropped.
    pub(crate) fn show(&mut self, frame: &Bytes) {
        self.watchers.retain(|watcher| watcher.try_send(frame.clone()).is_ok());
    }

    /// Counts one publish of the device.
    pub(crate) fn count_publish(&mut self, bytes: usize) {
        self.publishes += operations(bytes);
    }

    /// The serial lines so far and the frames to come; none if there are too many watchers.
    pub(crate) fn watch(&mut self) -> Option<(Vec<Bytes>, mpsc::Receiver<Bytes>)> {
        self.watchers.retain(|watcher| !watcher.is_closed());
        if self.watchers.len() >= MAX_WATCHERS {
            return None;
        }
        let (sender, receiver) = mpsc::channel(256);
        self.watchers.push(sender);
        let lines = self.lines.iter().map(|line| serial_frame(line));
        Some((lines.collect(), receiver))
    }

    /// The state that watchers get.
    pub(crate) fn state(&self, id: &str, name: &str) -> Value {
        let reported = &self.reported;
        json!({
            "id": id, "name": name, "online": self.online, "running": reported.running, "plugged": reported.plugged,
            "power_source": reported.power_source, "battery": reported.battery, "compiler": self.compiler,
            "message": reported.message, "firmware": self.firmware, "signaling": self.signaling,
            "attached": self.is_linked(),
            "data_operations": {"publishes": self.publishes, "responses": self.responses},
        })
    }
}

/// An event as a device gets it; none for structured data, which it would have to subscribe to as such.
fn event_for_device(event: &Event) -> Option<CloudMessage> {
    let (data, content) = match event.content {
        Content::Text => (event.data.clone(), ContentType::Text),
        Content::Structured(_) => return None,
        Content::DataUrl(content) => {
            let bytes = event.decoded().unwrap_or_default();
            let text = match content {
                ContentType::Text => String::from_utf8_lossy(&bytes).into_owned(),
                _ => BASE64.encode(&bytes),
            };
            (Some(text), content)
        }
    };
    Some(CloudMessage::Event { name: event.name.clone(), data, content })
}

fn operations(bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    bytes.div_ceil(OPERATION_BYTES).max(1)
}

fn serial_frame(line: &str) -> Bytes {
    frame("serial", &json!({"line": line}))
}

/// An event of a device's own stream.
pub(crate) fn frame(event: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

/// The sessions by device id.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    pub(crate) fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes the session of one device; none if it has none.
    pub(crate) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.all().get_mut(id).map(act)
    }

    /// A device that can compile.
    pub(crate) fn compiling_device(&self) -> Option<String> {
        let all = self.all();
        let mut ready = all.iter().filter(|(_, session)| session.has_power());
        ready.next().map(|(id, _)| id.clone())
    }

    pub(crate) fn online(&self, id: &str) -> bool {
        self.with(id, |session| session.online).unwrap_or(false)
    }

    /// Delivers an event to every device that subscribed to it, and returns their ids.
    pub(crate) fn deliver(&self, event: &Event) -> Vec<String> {
        let mut all = self.all();
        let delivered =
            all.iter_mut().filter_map(|(id, session)| session.deliver(event).then(|| id.clone()));
        delivered.collect()
    }
}
