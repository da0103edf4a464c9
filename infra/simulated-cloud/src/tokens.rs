//! The account behind a token, and deleting tokens.

use std::sync::Arc;

use axum::extract::State as Shared;
use serde_json::{Value, json};

use crate::{
    app_state::AppState,
    call::Call,
    clock::iso,
    response::{ApiResult, not_found, ok, ok_json},
    rng::digest,
    state::Token,
};

/// `GET /v1/user`
pub(crate) async fn user(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let username = app.state().username.clone();
    ok_json(json!({
        "username": username, "subscription_ids": [], "tos": {"accepted": true},
        "account_info": {"business_account": false}, "mfa": {"enabled": app.config.mfa.is_some()}, "memberships": [],
        "scim_provisioned": false, "no_password": false, "wifi_device_count": 0,
        "cellular_device_count": app.state().devices.len(),
    }))
}

fn to_json(token: &Token) -> Value {
    json!({
        // Only a hash is kept, so only the last digits can be shown; the real cloud shows the whole token.
        "token": format!("{}{}", "*".repeat(36), token.tail),
        "expires_at": token.expires_at.map(iso), "client": token.client_id, "client_id": token.client_id,
        "scopes": [], "orgs": [],
    })
}

/// `GET /v1/access_tokens`
pub(crate) async fn list(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let tokens: Vec<Value> = app.state().tokens.iter().map(to_json).collect();
    ok_json(tokens)
}

/// `GET /v1/access_tokens/current`
pub(crate) async fn current(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    ok_json(to_json(&call.signed_in(&app)?))
}

/// `DELETE /v1/access_tokens/current`
pub(crate) async fn delete_current(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let token = call.signed_in(&app)?;
    remove(&app, |other| other.hash == token.hash).await
}

/// `DELETE /v1/access_tokens/:token`; a token is permission to delete itself
pub(crate) async fn delete(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    let hash = digest(call.path("token"));
    remove(&app, |token| token.hash == hash).await
}

/// `DELETE /v1/access_tokens`
pub(crate) async fn delete_all(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    remove(&app, |_| true).await
}

async fn remove(app: &Arc<AppState>, which: impl Fn(&Token) -> bool) -> ApiResult {
    let removed = app.change(|state| {
        let before = state.tokens.len();
        state.tokens.retain(|token| !which(token));
        before - state.tokens.len()
    });
    if removed == 0 {
        return Err(not_found("Token"));
    }
    app.save().await?;
    ok()
}
