//! The controls of a simulated device: what a person could do to it and see of it if it lay on the desk. The real cloud has
//! nothing like them.

use std::{ops::RangeInclusive, sync::Arc};

use axum::{
    extract::{FromRequest, Request, State as Shared},
    response::IntoResponse,
};
use device_link::CloudMessage;
use http::{HeaderMap, HeaderName, StatusCode, header};
use hyper::{body::Bytes, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::{
    app_state::AppState,
    call::Call,
    events::{sse, too_many},
    link,
    response::{ApiError, ApiResult, api_error, bad_request, not_found, ok_json},
    sessions::frame,
};

/// Signs the caller in and finds the device of the path: its id and name.
fn find_device(app: &AppState, call: &Call) -> Result<(String, String), ApiError> {
    call.signed_in(app)?;
    let id = call.device(app)?;
    let name = app.device_name(&id);
    Ok((id, name))
}

/// `GET /simulated/devices/:device`
pub(crate) async fn state(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let (id, name) = find_device(&app, &call)?;
    let state = app.sessions.with(&id, |session| session.state(&id, &name));
    ok_json(state.ok_or_else(|| not_found("Simulated device"))?)
}

/// `GET /simulated/devices/:device/serial`: the last lines, then every new one, and the state at every change.
pub(crate) async fn serial(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let token = call.signed_in(&app)?;
    let (id, name) = find_device(&app, &call)?;
    let watch = app
        .sessions
        .with(&id, |session| session.watch().map(|watch| (watch, session.state(&id, &name))));
    let ((lines, frames), state) =
        watch.ok_or_else(|| not_found("Simulated device"))?.ok_or_else(too_many)?;
    let mut first = vec![Bytes::from_static(b":ok\n\n")];
    first.extend(lines);
    first.push(frame("state", &state));
    Ok(sse(app, token.hash, first, frames))
}

fn send(app: &AppState, id: &str, message: CloudMessage) -> ApiResult {
    match app.sessions.with(id, |session| session.send(message)) {
        Some(true) => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(false) => Err(api_error(409, "not_attached", "the simulated device is not attached")),
        None => Err(not_found("Simulated device")),
    }
}

/// A whole number of the body within a range; none if it is absent or null.
fn whole(call: &Call, name: &str, range: RangeInclusive<u8>) -> Result<Option<u8>, ApiError> {
    let (first, last) = (*range.start(), *range.end());
    match call.body.get(name) {
        None | Some(Value::Null) => Ok(None),
        // A browser may write 5 as 5.0.
        Some(value) => range
            .into_iter()
            .find(|number| value.as_f64() == Some(f64::from(*number)))
            .map(Some)
            .ok_or_else(|| bad_request(&format!("{name} must be {first} to {last}"))),
    }
}

/// `POST /simulated/devices/:device/button`
pub(crate) async fn button(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let (id, _) = find_device(&app, &call)?;
    let clicks = whole(&call, "clicks", 1..=5)?.unwrap_or(1);
    if app.sessions.with(&id, |session| session.is_linked() && !session.has_power()) == Some(true) {
        return Err(api_error(409, "no_power", "the device is unplugged, so plug it in first"));
    }
    send(&app, &id, CloudMessage::Press { clicks })
}

/// `PUT /simulated/devices/:device/power`
pub(crate) async fn power(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let (id, _) = find_device(&app, &call)?;
    let source = whole(&call, "source", 0..=5)?;
    let source = source.ok_or_else(|| bad_request("source must be 0 to 5"))?;
    let battery = match call.body.get("battery") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let charge = value.as_f64().filter(|charge| (0.0..=100.0).contains(charge));
            Some(charge.ok_or_else(|| bad_request("battery must be 0 to 100, or null"))?)
        }
    };
    send(&app, &id, CloudMessage::Power { source, battery })
}

/// `PUT /simulated/devices/:device/plug`
pub(crate) async fn plug(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let (id, _) = find_device(&app, &call)?;
    let Some(Value::Bool(plugged)) = call.body.get("plugged") else {
        return Err(bad_request("plugged must be true or false"));
    };
    let plugged = *plugged;
    send(&app, &id, CloudMessage::Plug { plugged })
}

/// `GET /simulated/devices/link`: upgrades to the link of a device in another process.
pub(crate) async fn connect(Shared(app): Shared<Arc<AppState>>, mut request: Request) -> ApiResult {
    let is_upgrade = is_link_upgrade(request.headers());
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let call = Call::from_request(request, &app).await?;
    call.signed_in(&app)?;
    if app.config.only_port.is_some() {
        let text = "other computers can reach this simulated cloud, and flashing a device compiles and runs programs on its computer, so none can be linked";
        return Err(api_error(403, "no_links", text));
    }
    let (true, Some(upgrade)) = (is_upgrade, upgrade) else {
        return Err(api_error(
            426,
            "upgrade_required",
            "a device link begins with Connection: Upgrade and Upgrade: device-link",
        ));
    };
    tokio::spawn(async move {
        if let Ok(io) = upgrade.await {
            link::serve(app, TokioIo::new(io)).await;
        }
    });
    let headers = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "device-link")];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn is_link_upgrade(headers: &HeaderMap) -> bool {
    let names = |header: HeaderName, token: &str| {
        let values = headers.get_all(header).into_iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|other| other.trim().eq_ignore_ascii_case(token))
    };
    names(header::CONNECTION, "upgrade") && names(header::UPGRADE, "device-link")
}
