//! The read-only page of one integration, to which "Open in Console" leads.
//!
//! A link carries no Bearer header, so its address is the permission: it contains the integration's id, 96 random bits that
//! only holders of a token can read. The page is served under loopback names only (`router.rs`), no other page can read or
//! frame it, it has no script, and it redacts what could be a secret (passwords, values of headers, queries and forms).

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State as Shared,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use http::{StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    app_state::AppState,
    call::Call,
    clock::iso,
    hook::config::HookConfig,
    json::to_text,
    redact::{self, redacted},
    render::escape,
    state::{AttemptRequest, Counters, Hook, HookAttempt},
};

/// Headers that never hold a secret.
const SHOWN_HEADERS: [&str; 6] =
    ["accept", "content-length", "content-type", "host", "user-agent", "x-requested-with"];

/// The fields that the cloud itself adds to a form.
const DEFAULT_FIELDS: [&str; 4] = ["event", "data", "published_at", "coreid"];

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
pre{overflow-x:auto;padding:.75rem;border:1px solid;border-radius:.25rem;white-space:pre-wrap;overflow-wrap:anywhere}\
table{border-collapse:collapse}th,td{text-align:left;padding:.25rem 1rem .25rem 0;font-variant-numeric:tabular-nums}";

/// `GET /integrations/webhooks/:id`
pub(crate) async fn page(Shared(app): Shared<Arc<AppState>>, call: Call) -> Response {
    let state = app.state();
    let mut hooks = state.hooks.iter();
    let Some(hook) = hooks.find(|hook| hook.id == call.path("id")) else {
        let text = "<p>This integration does not exist. It was deleted, or made with another data folder.</p>";
        return html(StatusCode::NOT_FOUND, "No such integration", text);
    };
    html(StatusCode::OK, &hook.config.event, &body(hook, &iso(app.now())))
}

fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} - Simulated console</title>\n\
         <style>{STYLE}</style>\n<h1>Simulated console</h1>\n\
         <p>A simulated Particle console on this computer. It shows and changes nothing elsewhere; the real console \
         looks different.</p>\n{body}</html>\n"
    );
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()),
    ];
    (status, headers, page).into_response()
}

fn body(hook: &Hook, now: &str) -> String {
    let config = &hook.config;
    let mut out = format!(
        "<h2>{}</h2>\n<p>{} · {} · created {} · changed {}</p>\n\
         <table>\n<tr><th><th>success<th>error<th>sleep\n",
        escape(&config.event),
        escape(config.name.as_deref().unwrap_or("no name")),
        if config.disabled { "disabled" } else { "enabled" },
        iso(hook.created_at),
        iso(hook.updated_at)
    );
    let today = hook.days.get(&now[..10]).copied().unwrap_or_default();
    for (label, counters) in [("today (UTC)", today), ("30 days", hook.total())] {
        let Counters { success, error, sleep } = counters;
        let _ = writeln!(out, "<tr><th>{label}<td>{success}<td>{error}<td>{sleep}");
    }
    let configuration = escape(&configuration(hook));
    let _ = writeln!(out, "</table>\n<h2>Configuration</h2>\n<pre>{configuration}</pre>");
    attempts(&mut out, "Last successes", &hook.successes, config);
    attempts(&mut out, "Last errors", &hook.errors, config);
    out
}

/// The configuration as JSON, with each possible secret replaced by its length.
fn configuration(hook: &Hook) -> String {
    let mut config = json!(hook.config);
    for (key, value) in config.as_object_mut().into_iter().flatten() {
        match (key.as_str(), value) {
            ("url", Value::String(url)) => *url = redact::url(url),
            ("auth" | "form" | "query", Value::Object(values)) => {
                values.values_mut().for_each(hide)
            }
            ("headers", Value::Object(values)) => values
                .iter_mut()
                .filter(|(name, _)| !is_shown(name))
                .for_each(|(_, value)| hide(value)),
            _ => {}
        }
    }
    serde_json::to_string_pretty(&config).unwrap_or_default()
}

fn is_shown(header: &str) -> bool {
    SHOWN_HEADERS.contains(&header.to_ascii_lowercase().as_str())
}

fn hide(value: &mut Value) {
    *value = Value::String(redacted(&to_text(value)));
}

fn attempts(out: &mut String, title: &str, attempts: &[HookAttempt], config: &HookConfig) {
    let _ = writeln!(out, "<h2>{title}</h2>");
    if attempts.is_empty() {
        out.push_str("<p>None yet.</p>\n");
    }
    for attempt in attempts {
        let (at, event) = (iso(attempt.at), escape(&attempt.event));
        let coreid = escape(&attempt.coreid);
        let _ = writeln!(out, "<h3>{at} · {event} · {coreid}</h3>");
        if let Some(error) = &attempt.error {
            let _ = writeln!(out, "<p>{}</p>", escape(error));
        }
        if let Some(request) = &attempt.request {
            let _ = writeln!(out, "<pre>{}</pre>", escape(&request_text(request, config)));
        }
        if let Some(response) = &attempt.response {
            let (status, body) = (response.status, escape(&response.body));
            let _ = writeln!(out, "<pre>{status}\n\n{body}</pre>");
        }
    }
}

fn request_text(request: &AttemptRequest, config: &HookConfig) -> String {
    let mut text = format!("{} {}\n", request.method, redact::url(&request.url));
    for (name, value) in &request.headers {
        let value = if is_shown(name) { value.clone() } else { redacted(value) };
        let _ = writeln!(text, "{name}: {value}");
    }
    // The configuration may have changed since, and a header of the owner's own may hide what the body is.
    let is_form = (config.json.is_none() && config.body.is_none())
        || request.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded")
        });
    let body = match is_form {
        true => &redact::pairs(&request.body, &DEFAULT_FIELDS),
        false => &request.body,
    };
    format!("{text}\n{body}")
}
