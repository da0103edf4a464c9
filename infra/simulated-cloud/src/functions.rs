//! Calling the functions of a device's firmware, and reading its variables.

use std::sync::Arc;

use axum::extract::State as Shared;
use device_link::{CloudMessage, VariableKind};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    app_state::AppState,
    call::Call,
    clock::{iso, millis},
    event::truncate,
    guesses::CALL_LIMIT,
    response::{ApiError, ApiResult, api_error, bad_request, not_found, ok_json, timed_out},
};

/// The longest argument of a function, in bytes
/// (<https://docs.particle.io/reference/device-os/api/cloud-functions/overview-of-api-field-limits/>).
const MAX_ARGUMENT_BYTES: usize = 1024;
/// Calls of one device that wait for its response.
const MAX_CALLING: usize = 16;

/// `POST /v1/devices/:device/:name` and the product form
pub(crate) async fn call_function(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    let name = call.path("name").to_owned();
    // The clients write "args", the documentation "arg".
    let argument = call.text_field("args")?.or(call.text_field("arg")?).unwrap_or_default();
    if argument.len() > MAX_ARGUMENT_BYTES {
        return Err(bad_request("the argument of a function has at most 1024 bytes"));
    }
    let has_it = app.sessions.with(&id, |session| session.functions.contains(&name));
    if has_it != Some(true) {
        return Err(unknown(&app, &id, "Function", &name));
    }
    let request = app.next_request();
    let message = CloudMessage::Call { request, name: name.clone(), argument };
    let value = ask(&app, &id, request, message).await?;
    let value = value.and_then(|value| value.parse::<i32>().ok());
    let value = value.ok_or_else(|| unknown(&app, &id, "Function", &name))?;
    let device = app.device_name(&id);
    ok_json(json!({"id": id, "name": device, "connected": true, "return_value": value}))
}

/// `GET /v1/devices/:device/:name` and the product form
pub(crate) async fn get_variable(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    let name = call.path("name").to_owned();
    let kind = app.sessions.with(&id, |session| {
        let mut variables = session.variables.iter();
        variables.find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    });
    let kind = kind.flatten().ok_or_else(|| unknown(&app, &id, "Variable", &name))?;
    let request = app.next_request();
    let message = CloudMessage::Read { request, name: name.clone() };
    let value = ask(&app, &id, request, message).await?;
    let value = value.ok_or_else(|| unknown(&app, &id, "Variable", &name))?;
    let device = app.state().device(&id).cloned().ok_or_else(|| not_found("Device"))?;
    ok_json(json!({
        "cmd": "VarReturn", "name": name, "result": typed(kind, value),
        "coreInfo": {
            "name": device.name, "last_app": device.last_app, "last_heard": device.last_heard.map(iso),
            "last_handshake_at": device.last_handshake_at.map(iso), "connected": true, "deviceID": id,
            "product_id": device.product.unwrap_or(i64::from(device.platform_id)),
        },
    }))
}

/// A variable's value; null if it is not of its type, as a double that is no number.
fn typed(kind: VariableKind, text: String) -> Value {
    match kind {
        VariableKind::Bool => json!(text.parse::<bool>().ok()),
        VariableKind::Int32 => json!(text.parse::<i32>().ok()),
        VariableKind::Double => json!(text.parse::<f64>().ok()),
        VariableKind::String => json!(text),
    }
}

/// What a device returns.
async fn ask(
    app: &AppState,
    id: &str,
    request: u64,
    message: CloudMessage,
) -> Result<Option<String>, ApiError> {
    let deadline = app.now() + millis(CALL_LIMIT);
    let (sender, receiver) = oneshot::channel();
    let is_asked = app.sessions.with(id, |session| {
        let has_room = session.calling.len() < MAX_CALLING;
        if has_room {
            session.calling.insert(request, sender);
        }
        has_room && session.send(message)
    });
    if is_asked != Some(true) {
        return Err(api_error(429, "busy", "the device has 16 calls to respond to, or reads none"));
    }
    let returned = tokio::select! {
        // The connection ended.
        returned = receiver => returned.map_err(|_| not_connected()),
        () = app.config.clock.sleep_until(deadline) => Err(timed_out("the device did not respond in time")),
    };
    app.sessions.with(id, |session| session.calling.remove(&request));
    returned
}

fn not_connected() -> ApiError {
    api_error(400, "Device is not connected", "Device is not connected")
}

fn unknown(app: &AppState, id: &str, what: &str, name: &str) -> ApiError {
    match app.sessions.online(id) {
        true => not_found(&format!("{what} {}", truncate(name, 64))),
        false => not_connected(),
    }
}
