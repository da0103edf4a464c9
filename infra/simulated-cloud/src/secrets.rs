//! Cloud secrets: values that the templates of integrations can use and nobody can read again
//! (<https://docs.particle.io/getting-started/cloud/secrets/>).

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use axum::extract::State as Shared;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::{
    app_state::AppState,
    call::Call,
    clock::iso,
    hook::config::HookConfig,
    json::Object,
    response::{ApiError, ApiResult, bad_request, not_found, ok, ok_json},
    state::{Hook, Secret, State},
};

const MAX_SECRETS: usize = 100;
const MAX_NAME_BYTES: usize = 64;
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

/// What logs show in place of a value.
pub(crate) const SENSITIVE: &str = "[[SENSITIVE]]";
/// Takes its place while templates are filled: it can be in a URL, and nothing else contains it.
pub(crate) const PLACEHOLDER: &str = "zz--simulated--sensitive--zz";

/// What one integration may use.
#[derive(Default)]
pub(crate) struct Secrets {
    values: Object,
}

impl Secrets {
    /// Those that the integration's templates name.
    pub(crate) fn of(config: &HookConfig, state: &State) -> Self {
        if state.secrets.is_empty() {
            return Self::default();
        }
        let used = used_names(config);
        let secrets = state.secrets.iter().filter(|secret| used.contains(&secret.name));
        let values = secrets.map(|secret| (secret.name.clone(), json!(secret.value))).collect();
        Self { values }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values by name, for templates.
    pub(crate) fn values(&self) -> &Object {
        &self.values
    }

    /// The same names with a value that [`reveal_nothing`] finds again.
    pub(crate) fn placeholders(&self) -> Object {
        self.values.keys().map(|name| (name.clone(), json!(PLACEHOLDER))).collect()
    }

    /// A text of elsewhere in which a value may occur, without the values, in whatever case and encoding (see [`places`]).
    pub(crate) fn mask(&self, text: &str) -> String {
        let values = self.values.values().filter_map(Value::as_str);
        let mut places: Vec<_> = values.flat_map(|value| places(text, value)).collect();
        places.sort_by_key(|place| place.start);
        let mut shown = String::new();
        let mut at = 0;
        // One value may begin within another.
        let mut places = places.into_iter().peekable();
        while let Some(Range { start, mut end }) = places.next() {
            while let Some(next) = places.next_if(|next| next.start < end) {
                end = end.max(next.end);
            }
            shown.push_str(&text[at..start]);
            shown.push_str(SENSITIVE);
            at = end;
        }
        shown + &text[at..]
    }

    /// Remembers that they were used now.
    pub(crate) fn mark_used(&self, app: &AppState) {
        if self.is_empty() {
            return;
        }
        let now = app.now();
        app.change(|state| {
            for secret in &mut state.secrets {
                if self.values.contains_key(&secret.name) {
                    secret.last_accessed_at = Some(now);
                }
            }
        });
    }
}

/// A text that was filled with [`Secrets::placeholders`], for a log.
pub(crate) fn reveal_nothing(text: &str) -> String {
    text.replace(PLACEHOLDER, SENSITIVE)
}

/// How many bytes an encoding makes of one: `\u0041`, `&quot;`.
pub(crate) const MAX_ENCODED: usize = 6;

/// Where a value is in a text that a server made: written in JSON, a URL, a form or HTML, in upper or lower case; in
/// hexadecimal; or within something in base64, which is then hidden as a whole.
fn places(text: &str, value: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let signs: Vec<_> = value.chars().map(ways_of).collect();
    for start in text.char_indices().map(|(start, _)| start) {
        // A text may be read in several ways: `&amp;` as itself and as `&`.
        let mut ends = BTreeSet::from([start]);
        for ways in &signs {
            let after = |end: usize| ways.iter().filter_map(move |way| end_of(text, end, way));
            ends = ends.into_iter().flat_map(after).collect();
            if ends.is_empty() {
                break;
            }
        }
        places.extend(ends.last().map(|end| start..*end));
    }
    let hex = HEXLOWER.encode(value.as_bytes());
    if hex.len() >= MIN_ENCODED {
        let lower = text.to_ascii_lowercase();
        places.extend(lower.match_indices(&hex).map(|(at, _)| at..at + hex.len()));
    }
    let is_base64 = |sign: char| sign.is_ascii_alphanumeric() || "+/-_=".contains(sign);
    // One alphabet differs from the other in two signs.
    let standard = text.replace('-', "+").replace('_', "/");
    for within in in_base64(value.as_bytes()) {
        for (at, _) in standard.match_indices(&within) {
            let start = text[..at].trim_end_matches(is_base64).len();
            let rest = &text[at..];
            let end = at + rest.find(|sign| !is_base64(sign)).unwrap_or(rest.len());
            places.push(start..end);
        }
    }
    places
}

/// A shorter text may be in any other by chance.
const MIN_ENCODED: usize = 4;

/// What of base64 depends on a value alone, for each of the three places that it can begin at.
fn in_base64(value: &[u8]) -> impl Iterator<Item = String> {
    (0..3).filter_map(move |before| {
        let text = BASE64.encode(&[&vec![0; before], value].concat());
        let whole = (before + value.len()) * 8 / 6;
        let within = text.get((before * 8).div_ceil(6)..whole)?;
        (within.len() >= MIN_ENCODED).then(|| within.to_owned())
    })
}

/// The ways to write a sign.
fn ways_of(sign: char) -> Vec<String> {
    let utf8 = sign.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut utf16 = [0; 2];
    let utf16 = sign.encode_utf16(&mut utf16).iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let code = u32::from(sign);
    let named = NAMED.iter().filter(|(one, _)| *one == sign).map(|(_, name)| (*name).to_owned());
    [sign.to_string(), utf8, utf16, format!("&#{code};"), format!("&#x{code:x};")]
        .into_iter()
        .chain(named)
        .collect()
}

/// Where a part of a text ends that begins at a place of it.
fn end_of(text: &str, at: usize, part: &str) -> Option<usize> {
    let end = at + part.len();
    text.get(at..end).filter(|found| found.eq_ignore_ascii_case(part)).map(|_| end)
}

/// Further ways to write a sign: in JSON, HTML and forms.
const NAMED: [(char, &str); 15] = [
    ('"', "\\\""),
    ('\\', "\\\\"),
    ('/', "\\/"),
    ('\n', "\\n"),
    ('\r', "\\r"),
    ('\t', "\\t"),
    ('\u{8}', "\\b"),
    ('\u{c}', "\\f"),
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('"', "&quot;"),
    ('\'', "&apos;"),
    ('\'', "&#039;"),
    (' ', "+"),
];

/// The same for the header of basic authentication, which hides a text by its encoding.
pub(crate) fn hide_credentials(header: &str) -> String {
    let pair = header.strip_prefix("Basic ").and_then(|pair| BASE64.decode(pair.as_bytes()).ok());
    match pair.map(|pair| String::from_utf8_lossy(&pair).contains(PLACEHOLDER)) {
        Some(true) => format!("Basic {SENSITIVE}"),
        _ => reveal_nothing(header),
    }
}

/// The names in the tags of an integration's templates.
fn used_names(config: &HookConfig) -> BTreeSet<String> {
    let text = json!(config).to_string();
    let tags = text.split("{{").skip(1).filter_map(|tag| tag.split("}}").next());
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    tags.map(|tag| tag.trim_matches(|sign| !is_name(sign)).to_owned()).collect()
}

/// Each integration with the names that it uses.
fn usage(state: &State) -> Vec<(&Hook, BTreeSet<String>)> {
    state.hooks.iter().map(|hook| (hook, used_names(&hook.config))).collect()
}

fn to_json(state: &State, secret: &Secret, usage: &[(&Hook, BTreeSet<String>)]) -> Value {
    let users = usage.iter().filter(|(_, used)| used.contains(&secret.name));
    let users = users.map(|(hook, _)| {
        let product = hook.product.and_then(|id| state.product(&id.to_string()));
        json!({"id": hook.id, "product_slug": product.map(|product| &product.slug)})
    });
    let users: Vec<Value> = users.collect();
    json!({
        "name": secret.name, "created_at": iso(secret.created_at), "updated_at": iso(secret.updated_at),
        "last_accessed_at": secret.last_accessed_at.map(iso), "usage_count": users.len(),
        "integrations": users, "logic_functions": [],
    })
}

/// A field of the body, or of the object `secret` in it.
fn given(call: &Call, field: &str) -> Option<String> {
    let nested = call.body.get("secret").and_then(|secret| secret.get(field));
    call.field(field).or_else(|| nested.and_then(Value::as_str).map(str::to_owned))
}

fn value(call: &Call) -> Result<String, ApiError> {
    given(call, "value")
        .filter(|value| (1..=MAX_VALUE_BYTES).contains(&value.len()))
        .ok_or_else(|| bad_request("value must be text of 1 to 4096 bytes"))
}

/// `GET /v1/secrets`
pub(crate) async fn list(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let state = app.state();
    let usage = usage(&state);
    let secrets = state.secrets.iter().map(|secret| to_json(&state, secret, &usage));
    ok_json(json!({"secrets": secrets.collect::<Vec<_>>()}))
}

/// `POST /v1/secrets`
pub(crate) async fn create(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let name = given(&call, "name").unwrap_or_default();
    let is_name = |sign: u8| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == b'_';
    if name.is_empty()
        || name.len() > MAX_NAME_BYTES
        || name.starts_with(|first: char| first.is_ascii_digit())
        || !name.bytes().all(is_name)
    {
        return Err(bad_request(
            "a secret's name has 1 to 64 upper-case letters, digits and underscores, and no digit first",
        ));
    }
    let value = value(&call)?;
    let now = app.now();
    let added = app.change(|state| {
        if state.secrets.iter().any(|secret| secret.name == name) {
            return Err(bad_request("there is a secret of this name already; change its value"));
        }
        if state.secrets.len() >= MAX_SECRETS {
            return Err(bad_request("the account has 100 secrets, the most it may have"));
        }
        let (created_at, updated_at, last_accessed_at) = (now, now, None);
        state.secrets.push(Secret {
            name: name.clone(),
            value,
            created_at,
            updated_at,
            last_accessed_at,
        });
        Ok(())
    });
    added?;
    app.save().await?;
    shown(&app, &name)
}

fn shown(app: &AppState, name: &str) -> ApiResult {
    let state = app.state();
    let secret = state.secrets.iter().find(|secret| secret.name == name);
    let secret = secret.ok_or_else(|| not_found("Secret"))?;
    ok_json(json!({"ok": true, "secret": to_json(&state, secret, &usage(&state))}))
}

/// `GET /v1/secrets/:name`
pub(crate) async fn get(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    shown(&app, call.path("name"))
}

/// `PUT /v1/secrets/:name`: another value, in all that use it from now on
pub(crate) async fn update(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let value = value(&call)?;
    let now = app.now();
    app.change(|state| {
        let mut secrets = state.secrets.iter_mut();
        if let Some(secret) = secrets.find(|secret| secret.name == call.path("name")) {
            (secret.value, secret.updated_at) = (value, now);
        }
    });
    app.save().await?;
    shown(&app, call.path("name"))
}

/// `DELETE /v1/secrets/:name`
pub(crate) async fn delete(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let name = call.path("name");
    let deleted = app.change(|state| {
        let place = state.secrets.iter().position(|secret| secret.name == name);
        let place = place.ok_or_else(|| not_found("Secret"))?;
        if usage(state).iter().any(|(_, used)| used.contains(name)) {
            return Err(bad_request(
                "the secret is in use; remove it from the integrations that name it first",
            ));
        }
        state.secrets.remove(place);
        Ok(())
    });
    deleted?;
    app.save().await?;
    ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(values: &[&str], text: &str) -> String {
        let names = (b'A'..).map(|name| char::from(name).to_string());
        let values = names.zip(values.iter().map(|value| json!(value))).collect();
        Secrets { values }.mask(text)
    }

    #[test]
    fn no_part_of_a_value_is_left_where_one_begins_or_ends_another() {
        let values = ["pass", "password-long", "long-tail"];
        for (text, shown) in [
            ("pass password-long", "[[SENSITIVE]] [[SENSITIVE]]"),
            ("(password-long-tail)", "([[SENSITIVE]])"),
            ("passpass", "[[SENSITIVE]][[SENSITIVE]]"),
            ("pas s", "pas s"),
        ] {
            assert_eq!(mask(&values, text), shown);
        }
    }

    #[test]
    fn a_value_is_found_in_each_encoding() {
        let value = "New \u{e4}/\"&<'\\\n+1";
        let json = json!(value).to_string();
        let html = "New \u{e4}/&quot;&amp;&lt;&#39;\\\n+1";
        let hex = HEXLOWER.encode(value.as_bytes());
        for written in [
            value,
            &value.to_ascii_lowercase(),
            &value.to_ascii_uppercase(),
            json.trim_matches('"'),
            r#"New \u00E4\/\"\u0026\u003c\u0027\\\n+1"#,
            "New%20%C3%A4%2F%22%26%3C%27%5C%0A%2B1",
            "New+%c3%a4/%22%26%3c'%5c%0a%2b1",
            html,
            "New &#228;&#x2F;&#34;&#38;&#x3c;&apos;&#92;&#10;&#43;1",
            &hex,
            &hex.to_uppercase(),
        ] {
            let text = format!("<{written}>");
            assert_eq!(mask(&[value], &text), "<[[SENSITIVE]]>", "{written}");
        }
    }

    #[test]
    fn a_value_is_found_within_base64() {
        let value = "s?cret>~1";
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "z", "zy"] {
                let whole = format!("{before}{value}{after}");
                for encoding in [BASE64, data_encoding::BASE64URL_NOPAD] {
                    let text = format!("{{\"body\":\"{}\"}}", encoding.encode(whole.as_bytes()));
                    assert_eq!(mask(&[value], &text), r#"{"body":"[[SENSITIVE]]"}"#, "{whole}");
                }
            }
        }
    }

    #[test]
    fn a_short_value_hides_nothing_that_does_not_hold_it() {
        assert_eq!(mask(&["1"], "YTE= 31 a1"), "YTE= 3[[SENSITIVE]] a[[SENSITIVE]]");
    }
}
