//! Creating, reading, changing and deleting integrations, under all the paths they have.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State as Shared;
use serde_json::{Value, json};

use crate::{
    app_state::AppState,
    call::Call,
    clock::iso,
    event::FROM_API,
    events::event_data,
    guesses::{
        INTEGRATION_DETAIL_GUESS, MAX_INTEGRATIONS, TEST_EVENT_DATA, TEST_EVENT_GUESS,
        WRONG_CONFIGURATION_STATUS,
    },
    hook::config::{HookConfig, device_id},
    json::Object,
    response::{ApiError, ApiResult, api_error, bad_request, not_found, ok, ok_json},
    state::Hook,
};

/// `POST /v1/integrations`, `/v1/webhooks` and the product forms
pub(crate) async fn create(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = call.product(&app)?;
    let config = read(&call, product)?;
    let now = app.now();
    let hook = Hook {
        id: app.rng.id(),
        created_at: now,
        updated_at: now,
        product,
        config,
        days: BTreeMap::new(),
        successes: Vec::new(),
        errors: Vec::new(),
    };
    let body = created(&app, &hook);
    let added = app.change(|state| {
        let has_room = state.hooks.len() < MAX_INTEGRATIONS;
        if has_room {
            state.hooks.push(hook);
        }
        has_room
    });
    if !added {
        return Err(bad_request(&format!(
            "the account has {MAX_INTEGRATIONS} integrations, the most it may have; delete one first"
        )));
    }
    app.save().await?;
    ok_json(body)
}

fn read(call: &Call, product: Option<i64>) -> Result<HookConfig, ApiError> {
    let mut config = HookConfig::read(&call.body)
        .map_err(|reason| api_error(WRONG_CONFIGURATION_STATUS, "bad_request", &reason))?;
    if product.is_some() {
        // A device filter exists for the account's own devices only.
        config.device_id = None;
    }
    Ok(config)
}

fn created(app: &AppState, hook: &Hook) -> Value {
    let mut body = summary(hook);
    body["ok"] = json!(true);
    body["hookUrl"] = json!(format!("http://{}{}", app.addr, console_path(&hook.id)));
    body
}

/// Where the console shows an integration.
pub(crate) fn console_path(id: &str) -> String {
    format!("/integrations/webhooks/{id}")
}

fn summary(hook: &Hook) -> Value {
    let config = &hook.config;
    let mut body = json!({
        "id": hook.id, "event": config.event, "name": config.name, "created_at": iso(hook.created_at),
        "updated_at": iso(hook.updated_at), "integration_type": config.integration_type, "url": config.url,
        "requestType": config.request_type, "disabled": config.disabled,
    });
    if let Some(id) = &config.device_id {
        body["deviceID"] = json!(id);
    }
    if let Some(product) = hook.product {
        body["product_id"] = json!(product);
    }
    body
}

/// `GET /v1/integrations`, `/v1/webhooks` and the product forms
pub(crate) async fn list(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = call.product(&app)?;
    let state = app.state();
    let hooks = state.hooks.iter().filter(|hook| hook.product == product);
    ok_json(hooks.map(summary).collect::<Vec<_>>())
}

/// The integration that the path names, in the scope that the path names.
fn find(app: &AppState, call: &Call) -> Result<Hook, ApiError> {
    call.signed_in(app)?;
    let product = call.product(app)?;
    let state = app.state();
    let is_named = |hook: &&Hook| hook.id == call.path("id") && hook.product == product;
    let hook = state.hooks.iter().find(is_named).cloned();
    hook.ok_or_else(|| not_found("Integration"))
}

/// `GET …/:id`: the whole configuration, in the order it was given, with its log
pub(crate) async fn get(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let hook = find(&app, &call)?;
    let mut fields = fields(summary(&hook));
    for (key, value) in self::fields(json!(hook.config)) {
        // A setting takes its place in the configuration's order.
        fields.shift_remove(&key);
        fields.insert(key, value);
    }
    fields.extend(self::fields(json!({
        "logs": {"successes": hook.successes, "errors": hook.errors},
        "counters": {"total": hook.total(), "days": hook.days},
        "simulated_guess": [INTEGRATION_DETAIL_GUESS],
    })));
    ok_json(fields)
}

fn fields(object: Value) -> Object {
    match object {
        Value::Object(fields) => fields,
        _ => Object::new(),
    }
}

/// `PUT …/:id`: replaces the whole configuration and keeps the log
pub(crate) async fn edit(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let hook = find(&app, &call)?;
    let config = read(&call, hook.product)?;
    let now = app.now();
    let changed = app.change(|state| {
        state.hook_mut(&hook.id).map(|hook| {
            hook.config = config;
            hook.updated_at = now;
            hook.clone()
        })
    });
    let changed = changed.ok_or_else(|| not_found("Integration"))?;
    app.save().await?;
    ok_json(created(&app, &changed))
}

/// `DELETE …/:id`
pub(crate) async fn delete(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let hook = find(&app, &call)?;
    app.change(|state| state.hooks.retain(|other| other.id != hook.id));
    app.save().await?;
    ok()
}

/// `POST …/:id/test`: publishes an event that triggers it, and everything else that matches the name. The body may name the
/// device that it seems to come from, and its data.
pub(crate) async fn test(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let hook = find(&app, &call)?;
    let device = device_id(&call.body).map_err(|reason| bad_request(&reason))?;
    if let Some(id) = &device {
        let state = app.state();
        let device = state.device(id);
        device
            .filter(|device| hook.product.is_none() || device.product == hook.product)
            .ok_or_else(|| not_found("Device"))?;
    }
    let device = device.unwrap_or_else(|| FROM_API.to_owned());
    let data = event_data(&call)?.unwrap_or_else(|| TEST_EVENT_DATA.to_owned());
    let mut event = app.event(&hook.config.event, Some(data), &device, hook.product);
    event.guesses.push(TEST_EVENT_GUESS);
    app.publish(event);
    ok()
}
