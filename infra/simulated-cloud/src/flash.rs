//! Compiling and flashing: the source is sent to the computer of a linked device, which has the compiler.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    extract::State as Shared,
    response::{IntoResponse, Response},
};
use device_link::{CloudMessage, MAX_LINE_BYTES, Source, is_compiled, line};
use http::{StatusCode, header};
use serde_json::json;
use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::{
    app_state::AppState,
    call::{Call, Upload},
    clock::{iso, millis},
    device_messages,
    event::truncate,
    guesses::{COMPILE_ERROR_OUTPUT, COMPILE_ERROR_STATUS, COMPILE_LIMIT},
    json::Object,
    response::{
        ApiError, ApiResult, api_error, api_error_with, bad_request, json_response, not_found,
        ok_json, timed_out,
    },
    rng::digest,
    sessions::{Compiled, Flashing},
};

/// How long a device may take to run a new program; then the flash counts as failed.
const FLASH_LIMIT: Duration = Duration::from_secs(60);
/// How long a call waits until the device is done with the ones before it.
const TURN_LIMIT: Duration = Duration::from_secs(20);
/// Calls of one device at a time: one that compiles or flashes, and those that wait.
const MAX_CALLS: usize = 8;
/// Files of one program; the compiler takes no more.
const MAX_FILES: usize = 64;
/// How long a compiled program can be fetched.
const BINARY_LIFETIME_MS: i64 = 24 * 3600 * 1000;
/// A simulated binary is its source behind this line; the machine that runs it compiles it again.
const MAGIC: &[u8] = b"simulated-particle-binary 1\n";

/// `PUT /v1/devices/:device` with files.
pub(crate) async fn flash(app: Arc<AppState>, id: String, call: Call) -> ApiResult {
    check_target(&call)?;
    let files = sources(call.files)?;
    let turn = take_turn(&app, &id).await?;
    let (request, compiled) = compile(&app, &id, &files).await?;
    if let Compiled::Errors(errors) = compiled {
        return Ok(compile_errors(&errors));
    }
    let firmware = files.iter().find(|file| is_compiled(&file.name));
    let firmware = firmware.map(|file| file.name.clone());
    let app_hash = digest(&json!(files).to_string());
    let deadline = app.now() + millis(FLASH_LIMIT);
    let started = app.sessions.with(&id, |session| {
        if !session.send(CloudMessage::Flash { request }) {
            return Err(not_connected());
        }
        session.flash = Some(Flashing {
            request,
            delivered: false,
            firmware: firmware.unwrap_or_default(),
            app_hash,
            _turn: turn,
        });
        Ok(())
    });
    started.unwrap_or_else(|| Err(not_connected()))?;
    device_messages::report(&app, &id, "spark/flash/status", "started ");
    let watching = Arc::clone(&app);
    let device = id.clone();
    tokio::spawn(async move {
        let mut stopping = watching.stopping.subscribe();
        tokio::select! {
            () = watching.config.clock.sleep_until(deadline) => device_messages::flashed(&watching, &device, request, false),
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    });
    ok_json(json!({"ok": true, "id": id, "status": "Update started", "message": "Update started"}))
}

/// `POST /v1/binaries`, with the compiler of any linked device
pub(crate) async fn compile_only(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    call.own_page_only(&app)?;
    check_target(&call)?;
    let files = sources(call.files)?;
    let device = app.sessions.compiling_device().ok_or_else(|| {
        let text =
            "the simulated cloud compiles with the compiler of a linked device, and none is linked";
        api_error(503, "no_compiler", text)
    })?;
    let _turn = take_turn(&app, &device).await?;
    let size = match compile(&app, &device, &files).await? {
        (_, Compiled::Errors(errors)) => return Ok(compile_errors(&errors)),
        (_, Compiled::Done(size)) => size,
    };
    let id = app.rng.id();
    let binary = [MAGIC, json!(files).to_string().as_bytes()].concat();
    let expires_at = app.now() + BINARY_LIFETIME_MS;
    app.binaries.keep(id.clone(), expires_at, binary);
    ok_json(json!({
        "ok": true, "binary_id": id, "binary_url": format!("/v1/binaries/{id}"), "expires_at": iso(expires_at), "sizeInfo": size,
    }))
}

/// `GET /v1/binaries/:id`
pub(crate) async fn download(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let bytes = app.binaries.get(call.path("id"), app.now());
    let bytes = bytes.ok_or_else(|| not_found("Binary"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// The platforms of Device OS 6.2, with the numbers that it gives them
/// (<https://github.com/particle-iot/device-os/blob/develop/hal/shared/platforms.h>).
const PLATFORMS: [(&str, u32); 10] = [
    ("Argon", 12),
    ("Boron", 13),
    ("ESOMX", 15),
    ("A SoM", 22),
    ("B SoM", 23),
    ("B5 SoM", 25),
    ("Tracker", 26),
    ("Tracker M", 28),
    ("P2", 32),
    ("M SoM", 35),
];
/// What a program can be compiled for, the newest first. One header serves them all, that of the last, which a virtual device
/// says it has.
const DEVICE_OS: [&str; 2] = ["6.3.0", "6.2.1"];

/// `GET /v1/build_targets`, the only call that needs no token.
pub(crate) async fn build_targets() -> ApiResult {
    let numbers = PLATFORMS.map(|(_, number)| number);
    let by_name = PLATFORMS.map(|(name, number)| (name.to_owned(), json!(number)));
    let by_name = Object::from_iter(by_name);
    let target = |version| json!({"platforms": numbers, "prereleases": [], "firmware_vendor": "Simulated", "version": version});
    let versions: BTreeMap<_, _> = numbers.map(|number| (number, DEVICE_OS[0])).into();
    ok_json(json!({
        "targets": DEVICE_OS.map(target), "platforms": by_name, "default_versions": versions,
    }))
}

/// `GET /v1/device-os/versions`, of a platform or of all: one page, whatever the page that is asked for.
pub(crate) async fn versions(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let platform = call.query("platform_id");
    let is_asked = |number: u32| platform.is_none_or(|platform| platform == number.to_string());
    let numbers: Vec<u32> =
        PLATFORMS.iter().map(|(_, number)| *number).filter(|number| is_asked(*number)).collect();
    let versions = DEVICE_OS.map(|version| json!({"version": version, "release_state": "ga", "supported_platforms": numbers}));
    let versions = if numbers.is_empty() { json!([]) } else { json!(versions) };
    ok_json(json!({"versions": versions, "total_pages": 1}))
}

/// Refuses a version of Device OS that is not known. None, or `latest`, is the newest.
fn check_target(call: &Call) -> Result<(), ApiError> {
    match call.field("build_target_version") {
        Some(version) if version != "latest" && !DEVICE_OS.contains(&version.as_str()) => {
            let known = DEVICE_OS.join(", ");
            let version = truncate(&version, 32);
            Err(bad_request(&format!("Invalid build target version {version}; use {known}")))
        }
        _ => Ok(()),
    }
}

fn sources(uploads: Vec<Upload>) -> Result<Vec<Source>, ApiError> {
    if uploads.is_empty() || uploads.len() > MAX_FILES {
        return Err(bad_request("send 1 to 64 files, in parts named file, file2 and so on"));
    }
    if let [binary] = uploads.as_slice()
        && binary.name.ends_with(".bin")
    {
        let foreign = || {
            bad_request(
                "the simulated device runs binaries of the simulated compiler only; flash the source file",
            )
        };
        let text = binary.bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
        return serde_json::from_slice(text).map_err(|_| foreign());
    }
    let files: Vec<Source> = uploads
        .into_iter()
        .map(|upload| {
            let plain = upload.name.len() <= 100
                && !upload.name.split('/').any(|part| part.is_empty() || part.starts_with('.'))
                && upload.name.chars().all(|sign| sign.is_ascii_alphanumeric() || "._-/".contains(sign));
            let known = is_compiled(&upload.name)
                || [".h", ".hpp", ".properties"].iter().any(|end| upload.name.ends_with(end));
            if !plain || !known {
                let name = truncate(&upload.name, 100);
                return Err(bad_request(&format!(
                    "the file name {name:?} can't be used: letters, digits, dots and dashes, ending with .cpp, .ino, .c, .h, .hpp or .properties"
                )));
            }
            let text = String::from_utf8(upload.bytes).map_err(|_| bad_request("a source file is not UTF-8 text"))?;
            Ok(Source { name: upload.name, text })
        })
        .collect::<Result<_, _>>()?;
    // A description of the project or of a library: the folders say what the compiler needs.
    Ok(files.into_iter().filter(|file| !file.name.ends_with(".properties")).collect())
}

/// Waits until the device compiles and flashes nothing else. A new flash often follows the one before it at once.
async fn take_turn(app: &AppState, id: &str) -> Result<OwnedMutexGuard<()>, ApiError> {
    let turn = app.sessions.with(id, |session| Arc::clone(&session.turn));
    let turn = turn.ok_or_else(not_connected)?;
    // Each call holds one reference, the session another.
    if Arc::strong_count(&turn) > MAX_CALLS + 1 {
        return Err(busy());
    }
    let deadline = app.now() + millis(TURN_LIMIT);
    tokio::select! {
        turn = turn.lock_owned() => Ok(turn),
        () = app.config.clock.sleep_until(deadline) => Err(busy()),
    }
}

async fn compile(
    app: &Arc<AppState>,
    id: &str,
    files: &[Source],
) -> Result<(u64, Compiled), ApiError> {
    let deadline = app.now() + millis(COMPILE_LIMIT);
    let request = app.next_request();
    let message = CloudMessage::Compile { request, files: files.to_vec() };
    // A control character takes six times its length in JSON; a longer line would end the link.
    if line(&message).len() > MAX_LINE_BYTES {
        return Err(api_error(
            413,
            "too_large",
            "the files are larger than 1 MiB together, written as JSON",
        ));
    }
    let (sender, receiver) = oneshot::channel();
    let started = app.sessions.with(id, |session| {
        if !session.has_power() {
            return Err(not_connected());
        }
        if !session.send(message) {
            return Err(not_connected());
        }
        session.compiling.insert(request, sender);
        Ok(())
    });
    started.unwrap_or_else(|| Err(not_connected()))?;
    let compiled = tokio::select! {
        compiled = receiver => compiled.map_err(|_| not_connected()),
        () = app.config.clock.sleep_until(deadline) => Err(timed_out("the compiler did not finish within 65 s")),
    };
    app.sessions.with(id, |session| session.compiling.remove(&request));
    Ok((request, compiled?))
}

fn busy() -> ApiError {
    api_error(409, "busy", "the device is compiling or being flashed; wait until it is done")
}

fn not_connected() -> ApiError {
    let text = "Device is not connected.";
    let body = json!({"ok": false, "error": text, "error_description": text, "errors": [text]});
    api_error_with(404, body)
}

/// A failed compilation, with the compiler's output.
fn compile_errors(output: &str) -> Response {
    let body =
        json!({"ok": false, "errors": [output], "output": COMPILE_ERROR_OUTPUT, "stdout": ""});
    json_response(StatusCode::from_u16(COMPILE_ERROR_STATUS).unwrap_or(StatusCode::OK), &body)
}
