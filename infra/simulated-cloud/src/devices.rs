//! Listing and naming devices.

use std::sync::Arc;

use axum::extract::State as Shared;
use device_link::{CloudMessage, is_device_id};
use serde_json::{Value, json};

use crate::{
    app_state::AppState,
    call::Call,
    clock::iso,
    event::truncate,
    flash,
    json::Object,
    response::{ApiResult, bad_request, not_found, ok, ok_json},
    state::{Device, Product},
};

/// A device's name; a real one is as short.
const MAX_NAME_BYTES: usize = 64;
const MAX_NOTES_BYTES: usize = 2000;

/// Platforms with a cellular modem (Device OS, `hal/shared/platforms.h`).
const CELLULAR: [u32; 8] = [10, 13, 15, 23, 25, 26, 28, 35];

fn to_json(app: &AppState, device: &Device) -> Value {
    let registered = app.sessions.with(&device.id, |session| {
        let kinds = session.variables.iter().map(|(name, kind)| (name.clone(), json!(kind)));
        (session.functions.clone(), kinds.collect::<Object>(), session.online)
    });
    let (functions, variables, online) = registered.unwrap_or_default();
    json!({
        "id": device.id, "name": device.name, "last_app": device.last_app, "last_ip_address": "127.0.0.1",
        "last_heard": device.last_heard.map(iso), "last_handshake_at": device.last_handshake_at.map(iso),
        "product_id": device.product.unwrap_or(i64::from(device.platform_id)), "platform_id": device.platform_id,
        "online": online, "connected": online, "status": "normal", "cellular": CELLULAR.contains(&device.platform_id),
        "notes": device.notes, "functions": functions, "variables": variables, "firmware_version": 0, "groups": [],
        "system_firmware_version": device.system_version, "development": device.development, "quarantined": false,
        "denied": false, "serial_number": null,
    })
}

fn devices(app: &AppState, is_listed: impl Fn(&&Device) -> bool) -> Vec<Value> {
    let devices = app.state().devices.clone();
    let listed = devices.iter().filter(is_listed);
    listed.map(|device| to_json(app, device)).collect()
}

/// `GET /v1/devices`
pub(crate) async fn list(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    ok_json(devices(&app, |_| true))
}

/// `GET /v1/products/:product/devices`, which has pages; here there is one.
pub(crate) async fn list_product(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = call.product(&app)?;
    let list = devices(&app, |device| device.product == product);
    let meta = json!({"page": 1, "per_page": 100, "total_pages": 1, "total_records": list.len(), "devices": {"total": list.len()}});
    ok_json(json!({"devices": list, "customers": [], "meta": meta}))
}

fn product_json(product: &Product) -> Value {
    json!({"id": product.id, "slug": product.slug, "name": product.name, "platform_id": 13, "org": null})
}

/// `GET /v1/products`
pub(crate) async fn products(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let products: Vec<Value> = app.state().products.iter().map(product_json).collect();
    ok_json(json!({"products": products}))
}

/// `GET /v1/products/:product`
pub(crate) async fn product(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = app.state().product(call.path("product")).map(product_json);
    let product = product.ok_or_else(|| not_found("Product"))?;
    ok_json(json!({"product": product}))
}

/// `POST /v1/products/:product/devices`: puts a device of the account into the product too.
pub(crate) async fn add(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = call.product(&app)?;
    let id = call
        .field("id")
        .filter(|id| is_device_id(id))
        .ok_or_else(|| bad_request("id must be a device's id"))?;
    let is_known = app.change(|state| {
        let device = state.device_mut(&id);
        device.map(|device| device.product = product).is_some()
    });
    let (updated, invalid): (Vec<_>, Vec<_>) = [id].into_iter().partition(|_| is_known);
    app.save().await?;
    ok_json(
        json!({"updated": updated.len(), "updatedDeviceIds": updated, "invalidDeviceIds": invalid, "nonmemberDeviceIds": []}),
    )
}

/// `DELETE /v1/products/:product/devices/:device`
pub(crate) async fn remove(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    app.change(|state| state.device_mut(&id).map(|device| device.product = None));
    app.save().await?;
    ok()
}

/// `GET /v1/devices/:device`
pub(crate) async fn get(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    let device = app.state().device(&id).cloned().ok_or_else(|| not_found("Device"))?;
    ok_json(to_json(&app, &device))
}

/// `PUT /v1/devices/:device`: flash with files, otherwise rename, signal, notes or development mark.
pub(crate) async fn put(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    if call.multipart {
        call.own_page_only(&app)?;
        return flash::flash(app, id, call).await;
    }
    if call.field("app").is_some() {
        return Err(bad_request(
            "the simulated cloud has no ready-made applications; flash a source file",
        ));
    }
    if let Some(name) = call.field("name") {
        return rename(&app, &id, name.trim()).await;
    }
    if let Some(on) = call.field("signal") {
        return signal(&app, &id, &on);
    }
    annotate(&app, &id, &call).await
}

async fn rename(app: &AppState, id: &str, name: &str) -> ApiResult {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(bad_request("a name has 1 to 64 characters"));
    }
    let taken = app.change(|state| {
        let taken = state
            .devices
            .iter()
            .any(|other| other.id != id && other.name.eq_ignore_ascii_case(name));
        if let Some(device) = state.device_mut(id).filter(|_| !taken) {
            device.name = name.to_owned();
        }
        taken
    });
    if taken {
        return Err(bad_request("another device of the account has this name"));
    }
    app.sessions.with(id, |session| session.send(CloudMessage::Rename { name: name.to_owned() }));
    app.save().await?;
    ok_json(json!({"id": id, "name": name, "updated_at": iso(app.now())}))
}

/// Starts or stops the device's rainbow of colours.
fn signal(app: &AppState, id: &str, on: &str) -> ApiResult {
    let on = match on {
        "1" | "true" => true,
        "0" | "false" => false,
        _ => return Err(bad_request("signal must be 1 or 0")),
    };
    let connected = app.sessions.with(id, |session| {
        session.signaling = on && session.online;
        session.online
    });
    let connected = connected.unwrap_or(false);
    ok_json(json!({"id": id, "connected": connected, "signaling": on && connected}))
}

/// Sets the owner's notes about a device and its development mark.
async fn annotate(app: &AppState, id: &str, call: &Call) -> ApiResult {
    let notes = call.field("notes");
    let development = call.field("development").map(|text| text == "true");
    if notes.is_none() && development.is_none() {
        return Err(bad_request(
            "nothing to change: send name, signal, notes, development or files",
        ));
    }
    app.change(|state| {
        if let Some(device) = state.device_mut(id) {
            if let Some(notes) = &notes {
                device.notes = Some(truncate(notes, MAX_NOTES_BYTES).to_owned());
            }
            device.development = development.unwrap_or(device.development);
        }
    });
    app.save().await?;
    ok_json(
        json!({"id": id, "notes": notes, "development": development, "updated_at": iso(app.now())}),
    )
}

/// `PUT /v1/devices/:device/ping`
pub(crate) async fn ping(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let id = call.device(&app)?;
    ok_json(json!({"online": app.sessions.online(&id), "ok": true}))
}
