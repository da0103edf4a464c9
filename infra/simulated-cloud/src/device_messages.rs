//! What a device reports, and what the cloud does about it: its connection, its events, its programs.

use std::sync::Arc;

use crate::{
    core::Core,
    event::{MAX_NAME_BYTES, sanitize_name, truncate},
    flash::product_of,
    link::FromDevice,
    sessions::{Compiled, Flashing, Session, frame},
};

/// A serial line as the log handler cuts it, with room for its time and category.
const MAX_SERIAL_BYTES: usize = 1024;
/// The line for a person about the device's state.
const MAX_MESSAGE_BYTES: usize = 500;
/// What a compiler said.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Does what one message asks for.
pub(crate) fn handle(core: &Arc<Core>, id: &str, message: FromDevice) {
    let now = core.now();
    // Not a change that must be written: a device that prints would have the file rewritten at every line.
    if let Some(device) = core.state().device_mut(id) {
        device.last_heard = Some(now);
    }
    match message {
        FromDevice::Online => online(core, id),
        FromDevice::Offline => {
            deliver_flash(core, id);
            offline(core, id);
        }
        FromDevice::Subscribe { prefix } => {
            core.sessions.with(id, |session| session.subscribe(&prefix));
        }
        FromDevice::Publish { name, data } => publish(core, id, &name, data),
        FromDevice::Serial { line } => {
            core.sessions.with(id, |session| {
                session.print(truncate(&line, MAX_SERIAL_BYTES).to_owned())
            });
        }
        FromDevice::State(running) => {
            core.sessions.with(id, |session| {
                session.running = running.running;
                session.plugged = running.plugged;
                session.power_source = running.power_source;
                session.battery = running.battery;
                session.message = running
                    .message
                    .map(|message| truncate(&message, MAX_MESSAGE_BYTES).to_owned());
            });
            show(core, id);
        }
        FromDevice::Compiled {
            request,
            ok,
            size,
            errors,
        } => {
            let waiting = core
                .sessions
                .with(id, |session| session.waiting.remove(&request))
                .flatten();
            if let Some(waiting) = waiting {
                let text = if ok { size } else { errors }.unwrap_or_default();
                let text = truncate(&text, MAX_OUTPUT_BYTES).to_owned();
                // Whoever asked may have given up meanwhile.
                let _ = waiting.send(if ok {
                    Compiled::Done(text)
                } else {
                    Compiled::Errors(text)
                });
            }
        }
        FromDevice::Flashed { request, ok } => flashed(core, id, request, ok),
        FromDevice::Hello(_) | FromDevice::Unknown => {}
    }
}

fn publish(core: &Arc<Core>, id: &str, name: &str, data: Option<String>) {
    let limit = core
        .sessions
        .with(id, |session| session.online.then_some(session.data_limit))
        .flatten();
    let name = sanitize_name(name, MAX_NAME_BYTES);
    let (Some(limit), false) = (limit, name.is_empty()) else {
        return;
    };
    let data = data.map(|data| truncate(&data, limit).to_owned());
    core.sessions.with(id, |session| {
        session.count_publish(&name, data.as_deref().map_or(0, str::len))
    });
    core.publish(core.event(&name, data, id, product_of(core, id)));
    show(core, id);
}

fn online(core: &Arc<Core>, id: &str) {
    let now = core.now();
    core.change(|state| {
        state
            .device_mut(id)
            .map(|device| device.last_handshake_at = Some(now))
    });
    let flash = core.sessions.with(id, |session| {
        session.online = true;
        session.prefixes.clear();
        session.flash.take_if(|flash| flash.delivered)
    });
    say(core, id, "spark/status", "online");
    if let Some(flash) = flash.flatten() {
        after_flash(core, id, &flash);
    }
    show(core, id);
}

fn offline(core: &Arc<Core>, id: &str) {
    let was_online = core.sessions.with(id, |session| {
        session.prefixes.clear();
        session.signaling = false;
        std::mem::replace(&mut session.online, false)
    });
    if was_online == Some(true) {
        say(core, id, "spark/status", "offline");
    }
    show(core, id);
}

/// The link is gone, and with it whatever was under way.
pub(crate) fn link_closed(core: &Arc<Core>, id: &str) {
    let flash = core.sessions.with(id, |session| {
        session.to_device = None;
        session.running = false;
        session.waiting.clear();
        session.flash.take().filter(|flash| !flash.delivered)
    });
    if flash.flatten().is_some() {
        say(core, id, "spark/flash/status", "failed");
    }
    offline(core, id);
}

/// The transfer is over: "success" says that, not that the new program runs.
fn deliver_flash(core: &Arc<Core>, id: &str) {
    let delivered = core.sessions.with(id, |session| match &mut session.flash {
        Some(flash) if !flash.delivered => {
            flash.delivered = true;
            session.firmware.clone_from(&flash.firmware);
            Some(flash.firmware.clone())
        }
        _ => None,
    });
    if let Some(firmware) = delivered.flatten() {
        core.change(|state| {
            state
                .device_mut(id)
                .map(|device| device.last_app = Some(firmware))
        });
        say(core, id, "spark/flash/status", "success ");
    }
}

/// The device says how a flash ended, or nobody said so in time.
pub(crate) fn flashed(core: &Arc<Core>, id: &str, request: u64, ok: bool) {
    let known = core.sessions.with(id, |session| {
        session
            .flash
            .as_ref()
            .is_some_and(|flash| flash.request == request)
    });
    if known != Some(true) {
        return;
    }
    if ok {
        deliver_flash(core, id);
        return;
    }
    core.sessions.with(id, |session| session.flash = None);
    say(core, id, "spark/flash/status", "failed");
}

/// What a real device reports after its first connection with a new program, in the order of a capture of 2024
/// (<https://docs.particle.io/reference/cloud-apis/firmware-update-events/>).
fn after_flash(core: &Arc<Core>, id: &str, flash: &Flashing) {
    say(core, id, "spark/device/app-hash", &flash.app_hash);
    say(core, id, "spark/device/last_reset", "update");
    say(core, id, "particle/device/updates/forced", "false");
    say(core, id, "particle/device/updates/pending", "false");
    say(core, id, "particle/device/updates/enabled", "true");
}

fn say(core: &Arc<Core>, id: &str, name: &str, data: &str) {
    core.publish(core.event(name, Some(data.to_owned()), id, product_of(core, id)));
}

/// Shows the device's state to its viewers.
pub(crate) fn show(core: &Core, id: &str) {
    let name = core
        .state()
        .device(id)
        .map(|device| device.name.clone())
        .unwrap_or_default();
    core.sessions.with(id, |session: &mut Session| {
        let state = frame("state", &session.state(id, &name));
        session.show(&state);
    });
}
