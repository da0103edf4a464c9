//! The device link: lines of JSON between the cloud and one device, over any stream of bytes.
//!
//! A real device speaks CoAP over DTLS or TCP; what matters to a webhook is what is said, and that is here.
//! What a device says is acted upon in `reports.rs`. A line has at most 1 MiB, an unknown `type` is ignored, a malformed line ends the link.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::mpsc,
};

use crate::{
    core::Core,
    device_messages,
    event::{MAX_NAME_BYTES, is_device_id, sanitize_name, truncate},
    sessions::Session,
    state::{Device, MAX_DEVICES},
};

/// The longest line, with its end.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Messages that wait for a device; one that reads so little is let go.
const WAITING_MESSAGES: usize = 256;
/// How long a new link may stay silent.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Links at the same time.
const MAX_LINKS: usize = 32;

/// What a device says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromDevice {
    Hello(Hello),
    Online,
    Offline,
    Subscribe {
        prefix: String,
    },
    Publish {
        name: String,
        data: Option<String>,
    },
    Serial {
        line: String,
    },
    State(Running),
    Compiled {
        request: u64,
        ok: bool,
        size: Option<String>,
        errors: Option<String>,
    },
    Flashed {
        request: u64,
        ok: bool,
    },
    #[serde(other)]
    Unknown,
}

/// Who it is; the first line of a link.
#[derive(Deserialize)]
pub(crate) struct Hello {
    id: String,
    name: String,
    platform_id: u32,
    system_version: String,
    firmware: Option<String>,
    compiler: Option<String>,
}

/// How it is.
#[derive(Deserialize)]
pub(crate) struct Running {
    pub(crate) running: bool,
    pub(crate) plugged: bool,
    pub(crate) power_source: Option<i32>,
    pub(crate) battery: Option<f64>,
    pub(crate) message: Option<String>,
}

/// Serves one link to its end.
pub(crate) async fn serve(core: Arc<Core>, io: impl AsyncRead + AsyncWrite + Send + 'static) {
    let (read, mut write) = tokio::io::split(io);
    let (to_device, mut messages) = mpsc::channel::<String>(WAITING_MESSAGES);
    // The writer ends when the last sender is gone; the device then sees the end of the stream.
    let writer = tokio::spawn(async move {
        while let Some(message) = messages.recv().await {
            if write.write_all(message.as_bytes()).await.is_err() || write.flush().await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    });
    let mut stopping = core.stopping.subscribe();
    tokio::select! {
        () = read_lines(&core, BufReader::new(read), to_device) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    writer.abort();
}

async fn read_lines(
    core: &Arc<Core>,
    mut read: BufReader<impl AsyncRead + Unpin>,
    to_device: mpsc::Sender<String>,
) {
    let first = tokio::time::timeout(HELLO_LIMIT, next(&mut read)).await;
    let Ok(Some(FromDevice::Hello(hello))) = first else {
        return;
    };
    let id = hello.id.clone();
    let Some(link) = attach(core, hello, to_device) else {
        return;
    };
    while let Some(message) = next(&mut read).await {
        // A newer link of the same device has taken over, or this one does not read what it is told.
        let holds = |session: &mut Session| session.link == link && session.to_device.is_some();
        if core.sessions.with(&id, holds) != Some(true) {
            break;
        }
        device_messages::handle(core, &id, message);
    }
    if core.sessions.with(&id, |session| session.link == link) == Some(true) {
        device_messages::link_closed(core, &id);
    }
}

/// The next line, none at the end of the stream or when the line is no message.
async fn next(read: &mut BufReader<impl AsyncRead + Unpin>) -> Option<FromDevice> {
    let mut line = Vec::new();
    loop {
        let seen = read.fill_buf().await.ok()?;
        if seen.is_empty() {
            return None;
        }
        let end = seen.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(seen.len(), |end| end + 1);
        line.extend_from_slice(&seen[..taken]);
        read.consume(taken);
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        if end.is_some() {
            return serde_json::from_slice(&line).ok();
        }
    }
}

/// The most event data that a Device OS version takes, in bytes
/// (<https://docs.particle.io/reference/device-os/api/publish/limits-publish/>).
fn data_limit(system_version: &str) -> usize {
    let mut numbers = system_version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    match (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) {
        (0, minor) if minor < 8 => 255,
        (0..=2, _) => 622,
        _ => 1024,
    }
}

fn attach(core: &Arc<Core>, hello: Hello, to_device: mpsc::Sender<String>) -> Option<u64> {
    if !is_device_id(&hello.id) {
        return None;
    }
    let firmware = hello
        .firmware
        .as_deref()
        .map(|name| truncate(name, 100).to_owned());
    let name = enter(core, &hello, firmware.as_deref())?;
    let link = core.next_request();
    let mut all = core.sessions.all();
    if !all.contains_key(&hello.id)
        && all
            .values()
            .filter(|session| session.to_device.is_some())
            .count()
            >= MAX_LINKS
    {
        return None;
    }
    let session = all.entry(hello.id.clone()).or_default();
    session.link = link;
    session.to_device = Some(to_device);
    session.online = false;
    session.plugged = true;
    session.running = false;
    session.message = None;
    session.prefixes.clear();
    session.waiting.clear();
    session.flash = None;
    session.compiler = hello
        .compiler
        .map(|compiler| truncate(&compiler, 200).to_owned());
    session.firmware = firmware.unwrap_or_default();
    session.data_limit = data_limit(&hello.system_version);
    // The cloud knows a device by the name its owner gave it here.
    if name != hello.name {
        session.send(&json!({"type": "rename", "name": name}));
    }
    drop(all);
    device_messages::show(core, &hello.id);
    Some(link)
}

/// Enters the device into the account, and says what its owner calls it; none if the account is full.
fn enter(core: &Core, hello: &Hello, firmware: Option<&str>) -> Option<String> {
    let system_version = truncate(&hello.system_version, 32).to_owned();
    let last_app = firmware.map(str::to_owned);
    core.change(|state| {
        if let Some(device) = state.device_mut(&hello.id) {
            device.platform_id = hello.platform_id;
            device.system_version = system_version;
            device.last_app = last_app;
            return Some(device.name.clone());
        }
        if state.devices.len() >= MAX_DEVICES {
            return None;
        }
        let name = sanitize_name(&hello.name, MAX_NAME_BYTES);
        state.devices.push(Device {
            id: hello.id.clone(),
            name: name.clone(),
            platform_id: hello.platform_id,
            system_version,
            last_app,
            notes: None,
            last_heard: None,
            last_handshake_at: None,
            product: None,
            development: false,
        });
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_limit_follows_the_device_os() {
        for (version, limit) in [
            ("0.7.0", 255),
            ("0.8.0", 622),
            ("2.3.1", 622),
            ("3.0.0", 1024),
            ("6.2.1", 1024),
            ("", 255),
        ] {
            assert_eq!(data_limit(version), limit, "{version}");
        }
    }
}
