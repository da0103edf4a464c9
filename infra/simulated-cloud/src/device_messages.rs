//! What a device reports, and what the cloud does about it: its connection, its events, its programs.

use std::sync::Arc;

use data_encoding::BASE64;
use device_link::{ContentType, DeviceMessage, DeviceState};

use crate::{
    app_state::AppState,
    event::{Content, Event, MAX_NAME_BYTES, RESERVED_NAME, is_reserved, sanitize_name, truncate},
    guesses::REST_EVENT_DATA_BYTES,
    sessions::{Compiled, Flashing, frame},
};

/// A serial line as the log handler cuts it, with room for its time and category.
const MAX_SERIAL_BYTES: usize = 1024;
/// A device's line for a person.
const MAX_MESSAGE_BYTES: usize = 500;
/// The output of a compiler.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Handles one message.
pub(crate) fn handle(app: &Arc<AppState>, id: &str, message: DeviceMessage) {
    let now = app.now();
    // Not by `AppState::change`: a device that prints would have the file rewritten at every line.
    if let Some(device) = app.state().device_mut(id) {
        device.last_heard = Some(now);
    }
    match message {
        DeviceMessage::Online => online(app, id),
        DeviceMessage::Offline => {
            deliver_flash(app, id);
            offline(app, id);
        }
        DeviceMessage::Subscribe { prefix } => {
            app.sessions.with(id, |session| session.subscribe(&prefix));
        }
        DeviceMessage::Function { name } => {
            app.sessions.with(id, |session| session.add_function(&name));
        }
        DeviceMessage::Variable { name, kind } => {
            app.sessions.with(id, |session| session.add_variable(&name, kind));
        }
        DeviceMessage::Returned { request, value } => {
            let calling = app.sessions.with(id, |session| session.calling.remove(&request));
            if let Some(caller) = calling.flatten() {
                // The caller may have given up meanwhile.
                let _ = caller.send(value);
            }
        }
        DeviceMessage::Publish { name, data, content, size } => {
            publish(app, id, &name, data.map(|data| (data, content, size)));
        }
        DeviceMessage::Serial { line } => {
            let line = truncate(&line, MAX_SERIAL_BYTES).to_owned();
            app.sessions.with(id, |session| session.print(line));
        }
        DeviceMessage::State(reported) => {
            let message = reported.message.as_deref();
            let message = message.map(|message| truncate(message, MAX_MESSAGE_BYTES).to_owned());
            app.sessions.with(id, |session| {
                session.reported = DeviceState { message, ..reported };
            });
            show(app, id);
        }
        DeviceMessage::Compiled { request, ok, size, errors } => {
            let output = if ok { size } else { errors }.unwrap_or_default();
            let output = truncate(&output, MAX_OUTPUT_BYTES).to_owned();
            let compiling = app.sessions.with(id, |session| session.compiling.remove(&request));
            if let Some(result) = compiling.flatten() {
                // The caller may have given up meanwhile.
                let _ =
                    result.send(if ok { Compiled::Done(output) } else { Compiled::Errors(output) });
            }
        }
        DeviceMessage::Flashed { request, ok } => flashed(app, id, request, ok),
        DeviceMessage::Hello(_) | DeviceMessage::Unknown => {}
    }
}

/// Delivers a published event to the devices that subscribed to it.
pub(crate) fn deliver(app: &AppState, event: &Event) {
    for id in app.sessions.deliver(event) {
        show(app, &id);
    }
}

/// The data of a device as streams and webhooks see it, what it is, and its size on the air. None if it is not what its type
/// says, or too large: a device cuts text itself, and sends nothing else that is too large.
fn read_data(
    data: &str,
    content: ContentType,
    size: Option<usize>,
    limit: usize,
) -> Option<(String, Content, usize)> {
    match content {
        ContentType::Text => {
            let text = truncate(data, limit);
            Some((text.to_owned(), Content::Text, text.len()))
        }
        ContentType::Structured => {
            let size = size.unwrap_or(data.len()).max(1);
            let is_small = size <= limit && data.len() <= REST_EVENT_DATA_BYTES;
            let is_json = is_small && serde_json::from_str::<serde_json::Value>(data).is_ok();
            is_json.then_some((data.to_owned(), Content::Structured(size), size))
        }
        _ => {
            let size = BASE64.decode(data.as_bytes()).ok()?.len();
            let url = format!("data:{};base64,{data}", content.media_type()?);
            (size <= limit).then_some((url, Content::DataUrl(content), size))
        }
    }
}

fn publish(
    app: &Arc<AppState>,
    id: &str,
    name: &str,
    data: Option<(String, ContentType, Option<usize>)>,
) {
    let name = sanitize_name(name, MAX_NAME_BYTES);
    if name.is_empty() {
        return;
    }
    if is_reserved(&name) {
        // Whether a real device hears of it is not documented; its owner should.
        let line = format!("(the cloud refused the event {name}: {RESERVED_NAME})");
        app.sessions.with(id, |session| session.print(line));
        return;
    }
    let published = app.sessions.with(id, |session| {
        let limit = session.data_limit;
        let (data, content, size) = match data {
            None => (None, Content::Text, 0),
            Some((data, content, size)) => {
                let (data, content, size) = read_data(&data, content, size, limit)?;
                (Some(data), content, size)
            }
        };
        session.online.then(|| {
            session.count_publish(size);
            (data, content)
        })
    });
    if let Some((data, content)) = published.flatten() {
        app.publish_from_device(id, &name, data, content);
        show(app, id);
    }
}

fn online(app: &Arc<AppState>, id: &str) {
    let now = app.now();
    app.change(|state| {
        if let Some(device) = state.device_mut(id) {
            device.last_handshake_at = Some(now);
        }
    });
    let flash = app.sessions.with(id, |session| {
        session.set_online(true);
        session.flash.take_if(|flash| flash.delivered)
    });
    report(app, id, "spark/status", "online");
    if let Some(flash) = flash.flatten() {
        after_flash(app, id, &flash);
    }
    show(app, id);
}

fn offline(app: &Arc<AppState>, id: &str) {
    if app.sessions.with(id, |session| session.set_online(false)) == Some(true) {
        report(app, id, "spark/status", "offline");
    }
    show(app, id);
}

/// The link has ended, and with it what was under way.
pub(crate) fn link_closed(app: &Arc<AppState>, id: &str) {
    let flash = app.sessions.with(id, |session| {
        session.end();
        session.flash.take().filter(|flash| !flash.delivered)
    });
    if flash.flatten().is_some() {
        report(app, id, "spark/flash/status", "failed");
    }
    offline(app, id);
}

/// The transfer is complete: "success" says that, not that the new program runs.
fn deliver_flash(app: &Arc<AppState>, id: &str) {
    let delivered = app.sessions.with(id, |session| {
        let flash = session.flash.as_mut().filter(|flash| !flash.delivered)?;
        flash.delivered = true;
        session.firmware.clone_from(&flash.firmware);
        Some(flash.firmware.clone())
    });
    if let Some(firmware) = delivered.flatten() {
        app.change(|state| {
            if let Some(device) = state.device_mut(id) {
                device.last_app = Some(firmware);
            }
        });
        report(app, id, "spark/flash/status", "success ");
    }
}

/// The device reports how a flash ended, or did not report it in time.
pub(crate) fn flashed(app: &Arc<AppState>, id: &str, request: u64, ok: bool) {
    let is_current = app.sessions.with(id, |session| {
        let flash = session.flash.as_ref();
        flash.is_some_and(|flash| flash.request == request)
    });
    if is_current != Some(true) {
        return;
    }
    if ok {
        return deliver_flash(app, id);
    }
    app.sessions.with(id, |session| session.flash = None);
    report(app, id, "spark/flash/status", "failed");
}

/// The events of a real device's first connection with a new program, in the order of a capture of 2024
/// (<https://docs.particle.io/reference/cloud-apis/firmware-update-events/>).
fn after_flash(app: &Arc<AppState>, id: &str, flash: &Flashing) {
    for (name, data) in [
        ("spark/device/app-hash", flash.app_hash.as_str()),
        ("spark/device/last_reset", "update"),
        ("particle/device/updates/forced", "false"),
        ("particle/device/updates/pending", "false"),
        ("particle/device/updates/enabled", "true"),
    ] {
        report(app, id, name, data);
    }
}

/// Publishes a status event of the device.
pub(crate) fn report(app: &Arc<AppState>, id: &str, name: &str, data: &str) {
    app.publish_from_device(id, name, Some(data.to_owned()), Content::Text);
}

/// Shows the device's state to its watchers.
pub(crate) fn show(app: &AppState, id: &str) {
    let name = app.device_name(id);
    app.sessions.with(id, |session| {
        let state = frame("state", &session.state(id, &name));
        session.show(&state);
    });
}
