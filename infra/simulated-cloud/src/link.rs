//! The cloud's end of a device link. What a device says is handled in `device_messages.rs`.

use std::{sync::Arc, time::Duration};

use device_link::{CloudMessage, DeviceMessage, Hello, Link, Receiver, is_device_id};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

use crate::{
    app_state::AppState,
    device_messages,
    event::{MAX_NAME_BYTES, sanitize_name, truncate},
    sessions::Session,
    state::{Device, MAX_DEVICES},
};

/// Messages that wait for a device; one that reads so little is disconnected.
const MAX_WAITING: usize = 256;
/// How long a new link may stay silent.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Links at the same time.
const MAX_LINKS: usize = 32;

/// Serves one link to its end.
pub(crate) async fn serve(app: Arc<AppState>, io: impl AsyncRead + AsyncWrite + Send + 'static) {
    let mut link = Link::open(io, MAX_WAITING);
    let mut stopping = app.stopping.subscribe();
    tokio::select! {
        () = receive(&app, &mut link.receiver, link.sender) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    link.writer.abort();
}

async fn receive(app: &Arc<AppState>, receiver: &mut Receiver, sender: mpsc::Sender<CloudMessage>) {
    let first = tokio::time::timeout(HELLO_LIMIT, receiver.receive()).await;
    let Ok(Some(DeviceMessage::Hello(hello))) = first else {
        return;
    };
    let id = hello.id.clone();
    let Some(number) = open_session(app, hello, sender) else {
        return;
    };
    while let Some(message) = receiver.receive().await {
        // A newer link of the same device has taken over, or this one does not read what it is sent.
        let is_current = |session: &mut Session| session.link == number && session.is_linked();
        if app.sessions.with(&id, is_current) != Some(true) {
            break;
        }
        device_messages::handle(app, &id, message);
    }
    if app.sessions.with(&id, |session| session.link == number) == Some(true) {
        device_messages::link_closed(app, &id);
    }
}

/// The most event data that a Device OS version takes, in bytes
/// (<https://docs.particle.io/reference/device-os/api/publish/limits-publish/>).
fn data_limit(system_version: &str) -> usize {
    let mut numbers = system_version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    match (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) {
        (0, minor) if minor < 8 => 255,
        (0..=2, _) => 622,
        _ => 1024,
    }
}

/// Starts the session of a device, which ends an earlier one. Returns the number of the link; none if there are too many.
fn open_session(
    app: &Arc<AppState>,
    hello: Hello,
    sender: mpsc::Sender<CloudMessage>,
) -> Option<u64> {
    if !is_device_id(&hello.id) {
        return None;
    }
    let firmware = hello.firmware.as_deref();
    let firmware = firmware.map(|name| truncate(name, 100).to_owned());
    let name = register(app, &hello, firmware.as_deref())?;
    let link = app.next_request();
    let mut all = app.sessions.all();
    let linked = all.values().filter(|session| session.is_linked()).count();
    if !all.contains_key(&hello.id) && linked >= MAX_LINKS {
        return None;
    }
    let session = all.entry(hello.id.clone()).or_default();
    session.restart(link, sender);
    let compiler = hello.compiler.as_deref();
    session.compiler = compiler.map(|compiler| truncate(compiler, 200).to_owned());
    session.firmware = firmware.unwrap_or_default();
    session.data_limit = data_limit(&hello.system_version);
    // The cloud knows a device by the name its owner gave it here.
    if name != hello.name {
        session.send(CloudMessage::Rename { name });
    }
    drop(all);
    device_messages::show(app, &hello.id);
    Some(link)
}

/// Adds the device to the account, or updates it. Returns its name there; none if the account is full.
fn register(app: &AppState, hello: &Hello, firmware: Option<&str>) -> Option<String> {
    let system_version = truncate(&hello.system_version, 32).to_owned();
    let last_app = firmware.map(str::to_owned);
    app.change(|state| {
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
        for (version, limit) in
            [("0.7.0", 255), ("0.8.0", 622), ("2.3.1", 622), ("3.0.0", 1024), ("", 255)]
        {
            assert_eq!(data_limit(version), limit, "{version}");
        }
    }
}
