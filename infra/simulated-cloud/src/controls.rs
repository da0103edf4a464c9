//! The controls of a simulated device: what a hand could do with it, and an eye see of it, if it lay on the desk.
//! Only the simulated cloud has them.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request, State as Shared},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::{
    call::Call,
    core::Core,
    events::{sse, too_many},
    json::Json,
    link,
    response::{ApiError, ApiResult, api_error, bad_request, not_found, ok_json},
    sessions::frame,
};

/// Signs the caller in and finds the attached device of the path.
fn attached(core: &Core, call: &Call) -> Result<(String, String), ApiError> {
    call.signed_in(core)?;
    let id = call.device(core)?;
    let name = core
        .state()
        .device(&id)
        .map(|device| device.name.clone())
        .unwrap_or_default();
    Ok((id, name))
}

/// `GET /simulated/devices/:device`
pub(crate) async fn state(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    let (id, name) = attached(&core, &call)?;
    core.sessions
        .with(&id, |session| ok_json(&session.state(&id, &name)))
        .ok_or_else(|| not_found("Simulated device"))
}

/// `GET /simulated/devices/:device/serial`: the last lines, then every new one, and the state at every change.
pub(crate) async fn serial(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    let token = call.signed_in(&core)?;
    let (id, name) = attached(&core, &call)?;
    let view = core.sessions.with(&id, |session| {
        session.view().map(|view| (view, session.state(&id, &name)))
    });
    let ((lines, frames), state) = view
        .ok_or_else(|| not_found("Simulated device"))?
        .ok_or_else(too_many)?;
    let mut first = vec![Bytes::from_static(b":ok\n\n")];
    first.extend(lines);
    first.push(frame("state", &state));
    Ok(sse(core, token.hash, first, frames))
}

fn send(core: &Core, id: &str, message: &Value) -> ApiResult {
    match core.sessions.with(id, |session| session.send(message)) {
        Some(true) => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(false) => Err(api_error(
            409,
            "not_attached",
            "the simulated device is not attached",
        )),
        None => Err(not_found("Simulated device")),
    }
}

/// A number of the body; none if it is absent or null.
fn number(call: &Call, name: &str) -> Result<Option<f64>, ApiError> {
    match call.body.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => Ok(number.as_f64()),
        Some(_) => Err(bad_request(&format!("{name} must be a number"))),
    }
}

/// `POST /simulated/devices/:device/button`
pub(crate) async fn button(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    let (id, _) = attached(&core, &call)?;
    let clicks = number(&call, "clicks")?.unwrap_or(1.0);
    let clicks = (1_u8..=5).find(|count| f64::from(*count) == clicks);
    let clicks = clicks.ok_or_else(|| bad_request("clicks must be 1 to 5"))?;
    send(&core, &id, &json!({"type": "press", "clicks": clicks}))
}

/// `PUT /simulated/devices/:device/power`
pub(crate) async fn power(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    let (id, _) = attached(&core, &call)?;
    let source = number(&call, "source")?
        .and_then(|given| (0_u8..=5).find(|source| f64::from(*source) == given));
    let source = source.ok_or_else(|| bad_request("source must be 0 to 5"))?;
    let battery = number(&call, "battery")?;
    if battery.is_some_and(|charge| !(0.0..=100.0).contains(&charge)) {
        return Err(bad_request("battery must be 0 to 100, or null"));
    }
    send(
        &core,
        &id,
        &json!({"type": "power", "source": source, "battery": battery}),
    )
}

/// `PUT /simulated/devices/:device/plug`
pub(crate) async fn plug(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    let (id, _) = attached(&core, &call)?;
    let Some(Json::Bool(plugged)) = call.body.get("plugged") else {
        return Err(bad_request("plugged must be true or false"));
    };
    send(&core, &id, &json!({"type": "plug", "plugged": plugged}))
}

/// `GET /simulated/devices/link`: becomes the link of a device in another process.
pub(crate) async fn attach(Shared(core): Shared<Arc<Core>>, request: Request) -> ApiResult {
    let (mut parts, body) = request.into_parts();
    let names = |name: http::HeaderName, value: &str, parts: &http::request::Parts| {
        parts
            .headers
            .get_all(name)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .any(|header| {
                header
                    .split(',')
                    .any(|part| part.trim().eq_ignore_ascii_case(value))
            })
    };
    let asked = names(header::CONNECTION, "upgrade", &parts)
        && names(header::UPGRADE, "device-link", &parts);
    let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let call = Call::from_request(Request::from_parts(parts, body), &core).await?;
    call.signed_in(&core)?;
    let (true, Some(upgrade)) = (asked, upgrade) else {
        return Err(api_error(
            426,
            "upgrade_required",
            "a device link begins with Connection: Upgrade and Upgrade: device-link",
        ));
    };
    tokio::spawn(async move {
        if let Ok(io) = upgrade.await {
            link::serve(core, TokioIo::new(io)).await;
        }
    });
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    response
        .headers_mut()
        .insert(header::UPGRADE, HeaderValue::from_static("device-link"));
    Ok(response)
}
