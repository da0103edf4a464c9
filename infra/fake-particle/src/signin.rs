//! Signing in: passwords and one-time codes become access tokens.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};

use axum::extract::State as Shared;
use data_encoding::BASE64;
use serde_json::json;

use crate::{
    call::Call,
    chance::digest,
    core::Core,
    guesses::{OVER_LIMIT_STATUS, WRONG_PASSWORD_STATUS, ZERO_MEANS_NEVER},
    reply::{Answer, Refusal, refuse, refuse_with, reply},
    state::{MAX_TOKENS, Token},
};

/// 90 days, when the client does not say.
const DEFAULT_LIFETIME_S: i64 = 7_776_000;
/// Nobody's token outlives a year unless it never expires.
const LONGEST_LIFETIME_S: i64 = 365 * 86_400;
/// Failures in a row after which the account is closed for a while.
const MAX_FAILURES: u32 = 10;
const BLOCK_MS: i64 = 30 * 60 * 1000;
/// Token requests of one address within five minutes.
const MAX_REQUESTS: usize = 100;
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// How long a started sign-in waits for its one-time code.
const CODE_MS: i64 = 10 * 60 * 1000;
/// Sign-ins that may wait for a code at once.
const MAX_WAITING: usize = 100;

/// What is known of sign-ins under way; a restart forgets it.
#[derive(Default)]
pub(crate) struct Signins {
    failures: u32,
    blocked_until: i64,
    requests: VecDeque<i64>,
    /// Hash of the mfa token, when it ends, and the lifetime that was asked for.
    waiting: VecDeque<(String, i64, Option<i64>)>,
}

/// `POST /oauth/token`
pub(crate) async fn token(Shared(core): Shared<Arc<Core>>, call: Call) -> Answer {
    call.own_page_only(&core)?;
    let now = core.now();
    {
        let mut signins = core.signins.lock().unwrap_or_else(PoisonError::into_inner);
        while signins
            .requests
            .front()
            .is_some_and(|at| at + WINDOW_MS <= now)
        {
            signins.requests.pop_front();
        }
        if signins.requests.len() >= MAX_REQUESTS {
            return Err(refuse(
                OVER_LIMIT_STATUS,
                "too_many_requests",
                "more than 100 token requests in 5 minutes",
            ));
        }
        signins.requests.push_back(now);
        if signins.blocked_until > now {
            return Err(refuse(
                OVER_LIMIT_STATUS,
                "account_locked",
                "ten sign-ins failed in a row; the account is locked for 30 minutes",
            ));
        }
    }
    let client_id = client(&call)?;
    let lifetime = call.field("expires_in").map(|text| {
        text.parse::<i64>()
            .map_err(|_| invalid("expires_in must be seconds"))
    });
    let lifetime = lifetime.transpose()?;
    match call.field("grant_type").as_deref() {
        Some("password") => {
            let name = call.field("username").unwrap_or_default();
            let password = call.field("password").unwrap_or_default();
            let right = {
                let state = core.state();
                // Both comparisons always run, on hashes: time tells neither what nor how much was right.
                let name_right = digest(&name.to_ascii_lowercase()) == digest(&state.username);
                let password_right = digest(&password) == digest(&state.password);
                name_right & password_right
            };
            if !right {
                return Err(failed(
                    &core,
                    WRONG_PASSWORD_STATUS,
                    "invalid_grant",
                    "User credentials are invalid",
                ));
            }
            if core.mfa.is_some() {
                return Err(ask_for_code(&core, lifetime));
            }
            grant(&core, client_id, lifetime).await
        }
        Some("urn:custom:mfa-otp") => {
            let hash = digest(&call.field("mfa_token").unwrap_or_default());
            let code = digest(call.field("otp").unwrap_or_default().trim());
            let waiting = {
                let mut signins = core.signins.lock().unwrap_or_else(PoisonError::into_inner);
                signins.waiting.retain(|(_, ends, _)| *ends > now);
                signins
                    .waiting
                    .iter()
                    .position(|(waiting, _, _)| *waiting == hash)
            };
            let right = core
                .mfa
                .as_deref()
                .is_some_and(|expected| digest(expected) == code);
            match waiting {
                None => Err(failed(
                    &core,
                    403,
                    "invalid_grant",
                    "this sign-in has ended; start again with the password",
                )),
                Some(_) if !right => Err(failed(
                    &core,
                    403,
                    "invalid_grant",
                    "the one-time code is wrong",
                )),
                Some(_) => {
                    let asked = {
                        let mut signins =
                            core.signins.lock().unwrap_or_else(PoisonError::into_inner);
                        let place = signins
                            .waiting
                            .iter()
                            .position(|(waiting, _, _)| *waiting == hash);
                        place
                            .and_then(|place| signins.waiting.remove(place))
                            .and_then(|(_, _, asked)| asked)
                    };
                    grant(&core, client_id, lifetime.or(asked)).await
                }
            }
        }
        Some("refresh_token") => {
            let hash = digest(&call.field("refresh_token").unwrap_or_default());
            let known = core.change(|state| {
                let place = state
                    .tokens
                    .iter()
                    .position(|token| token.refresh_hash == hash);
                place.map(|place| state.tokens.remove(place))
            });
            match known {
                Some(_) => grant(&core, client_id, lifetime).await,
                None => Err(failed(&core, 400, "invalid_grant", "Invalid refresh token")),
            }
        }
        _ => Err(refuse_with(
            400,
            json!({"error": "unsupported_grant_type", "error_description": "grant_type must be password, urn:custom:mfa-otp or refresh_token"}),
        )),
    }
}

fn invalid(description: &str) -> Refusal {
    refuse_with(
        400,
        json!({"error": "invalid_request", "error_description": description}),
    )
}

/// The client's name, from the form or from basic authentication. Any client is accepted; its secret is public in all of them.
fn client(call: &Call) -> Result<String, Refusal> {
    let basic = || {
        let value = call
            .headers
            .get(http::header::AUTHORIZATION)?
            .to_str()
            .ok()?;
        let pair = BASE64
            .decode(value.strip_prefix("Basic ")?.trim().as_bytes())
            .ok()?;
        let pair = String::from_utf8(pair).ok()?;
        pair.split_once(':').map(|(id, _)| id.to_owned())
    };
    let id = call
        .field("client_id")
        .or_else(basic)
        .filter(|id| !id.is_empty() && id.len() <= 100);
    id.ok_or_else(|| {
        refuse_with(
            400,
            json!({"error": "invalid_client", "error_description": "Missing client_id parameter"}),
        )
    })
}

fn failed(core: &Core, status: u16, error: &str, description: &str) -> Refusal {
    let mut signins = core.signins.lock().unwrap_or_else(PoisonError::into_inner);
    signins.failures += 1;
    if signins.failures >= MAX_FAILURES {
        signins.failures = 0;
        signins.blocked_until = core.now() + BLOCK_MS;
    }
    refuse_with(
        status,
        json!({"error": error, "error_description": description}),
    )
}

fn ask_for_code(core: &Core, lifetime: Option<i64>) -> Refusal {
    let mfa_token = core.chance.token();
    let mut signins = core.signins.lock().unwrap_or_else(PoisonError::into_inner);
    if signins.waiting.len() >= MAX_WAITING {
        signins.waiting.pop_front();
    }
    signins
        .waiting
        .push_back((digest(&mfa_token), core.now() + CODE_MS, lifetime));
    refuse_with(
        403,
        json!({"error": "mfa_required", "error_description": "Multi-factor authentication required", "mfa_token": mfa_token}),
    )
}

async fn grant(core: &Arc<Core>, client_id: String, lifetime_s: Option<i64>) -> Answer {
    let now = core.now();
    core.signins
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .failures = 0;
    let lifetime_s = lifetime_s
        .unwrap_or(DEFAULT_LIFETIME_S)
        .clamp(0, LONGEST_LIFETIME_S);
    let never = lifetime_s == 0 && ZERO_MEANS_NEVER;
    let access_token = core.chance.token();
    let refresh_token = core.chance.token();
    let token = Token {
        hash: digest(&access_token),
        refresh_hash: digest(&refresh_token),
        tail: access_token[36..].to_owned(),
        client_id,
        expires_at: (!never).then_some(now + lifetime_s * 1000),
    };
    core.change(|state| {
        state
            .tokens
            .retain(|token| token.expires_at.is_none_or(|expires_at| expires_at > now));
        if state.tokens.len() >= MAX_TOKENS {
            let first = (0..state.tokens.len())
                .min_by_key(|place| state.tokens[*place].expires_at.unwrap_or(i64::MAX));
            first.map(|place| state.tokens.remove(place));
        }
        state.tokens.push(token);
    });
    core.save().await?;
    Ok(reply(&json!({
        "token_type": "bearer", "access_token": access_token, "expires_in": lifetime_s, "refresh_token": refresh_token,
    })))
}
