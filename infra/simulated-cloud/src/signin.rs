//! Signing in: passwords and one-time codes become access tokens.

use std::{
    collections::VecDeque,
    sync::{Arc, MutexGuard, PoisonError},
};

use axum::extract::State as Shared;
use data_encoding::BASE64;
use serde_json::json;

use crate::{
    call::Call,
    core::Core,
    guesses::{OVER_LIMIT_STATUS, WRONG_PASSWORD_STATUS, ZERO_MEANS_NEVER},
    response::{ApiError, ApiResult, api_error, api_error_with, ok_json},
    rng::digest,
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
    waiting: VecDeque<Waiting>,
}

/// A sign-in whose password was right and whose one-time code is yet to come.
struct Waiting {
    mfa_hash: String,
    ends: i64,
    /// What was asked for with the password.
    lifetime_s: Option<i64>,
}

impl Signins {
    /// Counts a request for a token, and refuses it if there were too many or too many failed.
    fn admit(&mut self, now: i64) -> Result<(), ApiError> {
        while self
            .requests
            .front()
            .is_some_and(|at| at + WINDOW_MS <= now)
        {
            self.requests.pop_front();
        }
        if self.requests.len() >= MAX_REQUESTS {
            return Err(api_error(
                OVER_LIMIT_STATUS,
                "too_many_requests",
                "more than 100 token requests in 5 minutes",
            ));
        }
        self.requests.push_back(now);
        if self.blocked_until > now {
            return Err(api_error(
                OVER_LIMIT_STATUS,
                "account_locked",
                "ten sign-ins failed in a row; the account is locked for 30 minutes",
            ));
        }
        Ok(())
    }
}

/// Never held across an await.
fn signins(core: &Core) -> MutexGuard<'_, Signins> {
    core.signins.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `POST /oauth/token`
pub(crate) async fn token(Shared(core): Shared<Arc<Core>>, call: Call) -> ApiResult {
    call.own_page_only(&core)?;
    signins(&core).admit(core.now())?;
    let client_id = client(&call)?;
    let lifetime_s = lifetime(&call)?;
    let lifetime_s = match call.field("grant_type").as_deref() {
        Some("password") => {
            check_password(&core, &call)?;
            if core.mfa.is_some() {
                return Err(ask_for_code(&core, lifetime_s));
            }
            lifetime_s
        }
        Some("urn:custom:mfa-otp") => {
            let asked_before = check_code(&core, &call)?;
            lifetime_s.or(asked_before)
        }
        Some("refresh_token") => {
            use_refresh_token(&core, &call)?;
            lifetime_s
        }
        _ => {
            return Err(api_error_with(
                400,
                json!({"error": "unsupported_grant_type", "error_description": "grant_type must be password, urn:custom:mfa-otp or refresh_token"}),
            ));
        }
    };
    grant(&core, client_id, lifetime_s).await
}

/// How many seconds the token is to session, if the client says.
fn lifetime(call: &Call) -> Result<Option<i64>, ApiError> {
    let seconds = call.field("expires_in").map(|text| text.parse());
    seconds.transpose().map_err(|_| {
        api_error_with(
            400,
            json!({"error": "invalid_request", "error_description": "expires_in must be seconds"}),
        )
    })
}

fn check_password(core: &Core, call: &Call) -> Result<(), ApiError> {
    let name = call.field("username").unwrap_or_default();
    let password = call.field("password").unwrap_or_default();
    let right = {
        let state = core.state();
        // Both comparisons always run, on hashes: time tells neither what nor how much was right.
        let name_right = digest(&name.to_ascii_lowercase()) == digest(&state.username);
        let password_right = digest(&password) == digest(&state.password);
        name_right & password_right
    };
    if right {
        Ok(())
    } else {
        let description = "User credentials are invalid";
        Err(failed(core, WRONG_PASSWORD_STATUS, description))
    }
}

/// Ends the wait of a sign-in whose code is right; what comes back is the lifetime that was asked for with its password.
fn check_code(core: &Core, call: &Call) -> Result<Option<i64>, ApiError> {
    let mfa_hash = digest(&call.field("mfa_token").unwrap_or_default());
    let code = digest(call.field("otp").unwrap_or_default().trim());
    let expected = core.mfa.as_deref().map(digest);
    let right = expected.is_some_and(|expected| expected == code);
    let now = core.now();
    let checked = {
        let mut signins = signins(core);
        let waiting = &mut signins.waiting;
        waiting.retain(|signin| signin.ends > now);
        match waiting
            .iter()
            .position(|signin| signin.mfa_hash == mfa_hash)
        {
            None => Err("this sign-in has ended; start again with the password"),
            Some(_) if !right => Err("the one-time code is wrong"),
            Some(place) => Ok(waiting.remove(place).and_then(|signin| signin.lifetime_s)),
        }
    };
    checked.map_err(|description| failed(core, 403, description))
}

/// Takes the old token away, which a new one replaces.
fn use_refresh_token(core: &Core, call: &Call) -> Result<(), ApiError> {
    let hash = digest(&call.field("refresh_token").unwrap_or_default());
    let known = core.change(|state| {
        let place = state
            .tokens
            .iter()
            .position(|token| token.refresh_hash == hash);
        place.map(|place| state.tokens.remove(place))
    });
    match known {
        Some(_) => Ok(()),
        None => Err(failed(core, 400, "Invalid refresh token")),
    }
}

/// The client's name, from the form or from basic authentication. Any client is accepted; its secret is public in all of them.
fn client(call: &Call) -> Result<String, ApiError> {
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
        api_error_with(
            400,
            json!({"error": "invalid_client", "error_description": "Missing client_id parameter"}),
        )
    })
}

/// Counts a failure, and closes the account for a while after too many.
fn failed(core: &Core, status: u16, description: &str) -> ApiError {
    let mut signins = signins(core);
    signins.failures += 1;
    if signins.failures >= MAX_FAILURES {
        signins.failures = 0;
        signins.blocked_until = core.now() + BLOCK_MS;
    }
    api_error_with(
        status,
        json!({"error": "invalid_grant", "error_description": description}),
    )
}

fn ask_for_code(core: &Core, lifetime_s: Option<i64>) -> ApiError {
    let mfa_token = core.rng.token();
    let mut signins = signins(core);
    if signins.waiting.len() >= MAX_WAITING {
        signins.waiting.pop_front();
    }
    signins.waiting.push_back(Waiting {
        mfa_hash: digest(&mfa_token),
        ends: core.now() + CODE_MS,
        lifetime_s,
    });
    api_error_with(
        403,
        json!({"error": "mfa_required", "error_description": "Multi-factor authentication required", "mfa_token": mfa_token}),
    )
}

async fn grant(core: &Arc<Core>, client_id: String, lifetime_s: Option<i64>) -> ApiResult {
    let now = core.now();
    signins(core).failures = 0;
    let lifetime_s = lifetime_s
        .unwrap_or(DEFAULT_LIFETIME_S)
        .clamp(0, LONGEST_LIFETIME_S);
    let never = lifetime_s == 0 && ZERO_MEANS_NEVER;
    let access_token = core.rng.token();
    let refresh_token = core.rng.token();
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
    Ok(ok_json(&json!({
        "token_type": "bearer", "access_token": access_token, "expires_in": lifetime_s, "refresh_token": refresh_token,
    })))
}
