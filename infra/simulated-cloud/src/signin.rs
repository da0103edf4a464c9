//! Signing in: passwords, one-time codes and refresh tokens become access tokens.

use std::sync::{Arc, MutexGuard, PoisonError};

use axum::extract::State as Shared;
use data_encoding::BASE64;
use serde_json::json;

use crate::{
    app_state::AppState,
    call::Call,
    guesses::WRONG_PASSWORD_STATUS,
    login_attempts::LoginAttempts,
    response::{ApiError, ApiResult, api_error_with, oauth_error, ok_json},
    rng::digest,
    state::{MAX_TOKENS, Token},
};

/// 90 days, if the client does not say.
const DEFAULT_LIFETIME_S: i64 = 7_776_000;
/// A year; only tokens that never expire live longer.
const MAX_LIFETIME_S: i64 = 365 * 86_400;

/// Never held across an await.
fn attempts(app: &AppState) -> MutexGuard<'_, LoginAttempts> {
    let attempts = app.login_attempts.lock();
    attempts.unwrap_or_else(PoisonError::into_inner)
}

/// `POST /oauth/token`
pub(crate) async fn token(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.own_page_only(&app)?;
    attempts(&app).admit(app.now())?;
    let client_id = client_id(&call)?;
    let lifetime_s = lifetime(&call)?;
    let lifetime_s = match call.field("grant_type").as_deref() {
        Some("password") => {
            check_password(&app, &call)?;
            if app.config.mfa.is_some() {
                return Err(ask_for_code(&app, lifetime_s));
            }
            lifetime_s
        }
        Some("urn:custom:mfa-otp") => {
            let asked_before = check_code(&app, &call)?;
            lifetime_s.or(asked_before)
        }
        Some("refresh_token") => {
            use_refresh_token(&app, &call)?;
            lifetime_s
        }
        _ => {
            return Err(oauth_error(
                400,
                "unsupported_grant_type",
                "grant_type must be password, urn:custom:mfa-otp or refresh_token",
            ));
        }
    };
    grant(&app, client_id, lifetime_s).await
}

/// How many seconds the token is to live, if the client says.
fn lifetime(call: &Call) -> Result<Option<i64>, ApiError> {
    let seconds = call.field("expires_in").map(|text| text.parse());
    seconds
        .transpose()
        .map_err(|_| oauth_error(400, "invalid_request", "expires_in must be seconds"))
}

fn check_password(app: &AppState, call: &Call) -> Result<(), ApiError> {
    let name = call.field("username").unwrap_or_default();
    let password = call.field("password").unwrap_or_default();
    let is_right = {
        let state = app.state();
        // Both comparisons always run, on hashes: the time they take reveals nothing.
        let name_is_right = digest(&name.to_ascii_lowercase()) == digest(&state.username);
        let password_is_right = digest(&password) == digest(&state.password);
        name_is_right & password_is_right
    };
    if is_right {
        return Ok(());
    }
    Err(failed(app, WRONG_PASSWORD_STATUS, "User credentials are invalid"))
}

/// Completes a sign-in by its code, and returns the lifetime asked for with its password.
fn check_code(app: &AppState, call: &Call) -> Result<Option<i64>, ApiError> {
    let mfa_hash = digest(&call.field("mfa_token").unwrap_or_default());
    let code = digest(call.field("otp").unwrap_or_default().trim());
    let is_right = app.config.mfa.as_deref().map(digest) == Some(code);
    let completed = attempts(app).complete(&mfa_hash, is_right, app.now());
    completed.map_err(|description| failed(app, 403, description))
}

/// Removes the old token, which the new one replaces.
fn use_refresh_token(app: &AppState, call: &Call) -> Result<(), ApiError> {
    let hash = digest(&call.field("refresh_token").unwrap_or_default());
    let is_known = app.change(|state| {
        let before = state.tokens.len();
        state.tokens.retain(|token| token.refresh_hash != hash);
        state.tokens.len() < before
    });
    if is_known {
        return Ok(());
    }
    Err(failed(app, 400, "Invalid refresh token"))
}

/// The client's name, from the form or from basic authentication. Any client is accepted; the secrets of the official ones
/// are public.
fn client_id(call: &Call) -> Result<String, ApiError> {
    let basic = || {
        let value = call.headers.get(http::header::AUTHORIZATION)?;
        let encoded = value.to_str().ok()?.strip_prefix("Basic ")?.trim();
        let pair = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        pair.split_once(':').map(|(id, _)| id.to_owned())
    };
    call.field("client_id")
        .or_else(basic)
        .filter(|id| !id.is_empty() && id.len() <= 100)
        .ok_or_else(|| oauth_error(400, "invalid_client", "Missing client_id parameter"))
}

/// Counts a failure.
fn failed(app: &AppState, status: u16, description: &str) -> ApiError {
    attempts(app).count_failure(app.now());
    oauth_error(status, "invalid_grant", description)
}

fn ask_for_code(app: &AppState, lifetime_s: Option<i64>) -> ApiError {
    let mfa_token = app.rng.token();
    attempts(app).await_code(digest(&mfa_token), lifetime_s, app.now());
    api_error_with(
        403,
        json!({"error": "mfa_required", "error_description": "Multi-factor authentication required", "mfa_token": mfa_token}),
    )
}

async fn grant(app: &Arc<AppState>, client_id: String, lifetime_s: Option<i64>) -> ApiResult {
    let now = app.now();
    attempts(app).count_success();
    let lifetime_s = lifetime_s.unwrap_or(DEFAULT_LIFETIME_S).clamp(0, MAX_LIFETIME_S);
    let access_token = app.rng.token();
    let refresh_token = app.rng.token();
    let token = Token {
        hash: digest(&access_token),
        refresh_hash: digest(&refresh_token),
        tail: access_token[36..].to_owned(),
        client_id,
        // Guess: `expires_in=0` asks for a token that never expires.
        expires_at: (lifetime_s > 0).then_some(now + lifetime_s * 1000),
    };
    app.change(|state| {
        let is_valid = |token: &Token| token.expires_at.is_none_or(|at| at > now);
        state.tokens.retain(is_valid);
        if state.tokens.len() >= MAX_TOKENS {
            let first = (0..state.tokens.len())
                .min_by_key(|place| state.tokens[*place].expires_at.unwrap_or(i64::MAX));
            first.map(|place| state.tokens.remove(place));
        }
        state.tokens.push(token);
    });
    app.save().await?;
    ok_json(json!({
        "token_type": "bearer", "access_token": access_token, "expires_in": lifetime_s, "refresh_token": refresh_token,
    }))
}
