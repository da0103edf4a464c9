//! A delivery is one request that reached an endpoint and the one response it got.
//!
//! This crate is the vocabulary of all others. It does no IO, reads no clock and knows neither a cloud nor HTTP types, so all
//! of it can be tested with plain values. In reading order:
//!
//! - this file: [`Delivery`], [`Request`], [`Response`]
//! - [`headers`], [`body`], [`millis`]: what those are made of
//! - [`key`]: who may do what; [`redact`]: what a share key may not see
//! - [`published`]: the event inside a webhook's body, and its `id`
//! - [`reply`]: what an endpoint's owner set the receiver to answer; [`placeholder`]: what that repeats of the request
//! - [`settings`]: whether pages may call, and which credential is expected
//! - [`log_page`] and [`cursor`]: one page of the log, and where the next one begins
//! - [`endpoint_info`] and [`limits`]: what the other calls return
//!
//! ```
//! use delivery::{Request, body::Body, key::OwnerKey, reply::Reply};
//!
//! // The keys of one endpoint, from 32 random bytes: each is a hash of the one before.
//! let owner = OwnerKey::from_bytes(&[7; 32]);
//! let endpoint = owner.share_key().endpoint();
//! assert_eq!(endpoint.as_str().len(), 26);
//!
//! // A webhook's body as Particle sends it, and the default reply to it.
//! let body = br#"{"event":"temp","data":"{\"id\":1652008511}"}"#;
//! let request = Request { body: Body::whole(body.to_vec()), ..Request::default() };
//! let response = Reply::default().response(&request, None);
//! assert_eq!((response.status, &*response.body), (200, r#"{"ok":true,"id":1652008511}"#));
//! ```
//!
//! Next: `functions/store` keeps deliveries, `functions/receiver` makes them.

pub mod body;
pub mod cursor;
pub mod endpoint_info;
pub mod headers;
pub mod key;
pub mod limits;
pub mod log_page;
pub mod millis;
pub mod placeholder;
pub mod published;
pub mod redact;
pub mod reply;
pub mod settings;

use serde::{Deserialize, Serialize};

use crate::{body::Body, headers::Headers, millis::Millis, settings::Verified};

/// One request that arrived at an endpoint, and the response the receiver sent.
///
/// Its JSON is the outside contract of the log API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its number in its endpoint, from 1. Numbers follow the order in which requests were numbered, not any clock.
    pub seq: u64,
    /// When the receiver took the request, by the receiver's clock.
    #[serde(with = "millis::rfc3339")]
    pub received_at: Millis,
    /// Milliseconds from then until the response was ready to be recorded; a delay the owner asked for is not in it.
    pub took_ms: u64,
    /// What the request's credential was; absent if none was expected, and for a preflight that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// What arrived.
    pub request: Request,
    /// What was sent back; whether it arrived is not known.
    pub response: Response,
}

/// A request as it arrives: after the gateway, which lower-cases header names and joins repeated ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// The raw path with its percent-encoding; in a [`Delivery`] the part below the endpoint, which begins with `/`.
    pub path: String,
    /// The same, but empty if nothing follows the endpoint, so that a URL can be told from one with a slash at its end.
    #[serde(default)]
    pub raw_path: String,
    /// The raw query string without its `?`; empty if there was none.
    pub query: String,
    /// The sender's address as the outermost trusted hop saw it.
    pub source: String,
    /// All headers, in the order in which the gateway gave them.
    pub headers: Headers,
    /// Names of those headers that a gateway or CDN put on the way.
    pub added: Vec<String>,
    /// The body, byte for byte, or how it began if it was over the limit.
    #[serde(flatten)]
    pub body: Body,
}

impl Request {
    /// The decoded value of a query parameter; the first, if it is repeated.
    pub fn query_value(&self, name: &str) -> Option<String> {
        first_value(self.query.as_bytes(), name)
    }

    /// The decoded value of a form's field; the first, if it is repeated. `None` also if the body is no such form.
    pub fn form_value(&self, name: &str) -> Option<String> {
        let kind = self.headers.get("content-type")?.split(';').next().unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        first_value(&self.body.kept, name)
    }
}

/// Whether a field may be left out of its JSON, where what is absent is read as the default.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn first_value(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A response as the receiver sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Every header the receiver set. The gateway adds its own (date, connection) after.
    pub headers: Headers,
    /// The body; always text, because every reply is.
    pub body: String,
    /// How long the answer was held back because the owner asked for it.
    pub delay_ms: u32,
    /// Which use of a counted reply this was; absent when the reply has no count or is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_use: Option<ReplyUse>,
    /// The default reply, because the request lacks what the reply that is set repeats of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unfilled: bool,
}

/// "2 of 3": which use of a reply that was set for a number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyUse {
    /// From 1.
    pub n: u32,
    /// How many uses were asked for.
    pub of: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the design, as the log API gives it.
    const CONTRACT: &str = r#"{"seq":12,"received_at":"2026-11-23T11:00:00.123Z","took_ms":7,"request":{"method":"POST","path":"/","raw_path":"","query":"","source":"203.0.113.7","headers":[["content-type","application/json"],["x-forwarded-for","203.0.113.7"]],"added":["x-forwarded-for"],"body":"{\"id\":1}","body_encoding":"utf-8","body_bytes":8,"body_sha256":"3ceb3ea65dda4db3f7bc2fe67b3fe2b9c7f0d44e1c93e0d5a2cbbd8cb3eb7f3f","truncated":false},"response":{"status":200,"headers":[["content-type","application/json"]],"body":"{\"ok\":true,\"id\":1652008511}","delay_ms":0}}"#;

    #[test]
    fn a_delivery_has_the_json_of_the_contract() {
        let delivery = Delivery {
            seq: 12,
            received_at: Millis(1_795_431_600_123),
            took_ms: 7,
            verified: None,
            request: Request {
                method: "POST".into(),
                path: "/".into(),
                raw_path: String::new(),
                query: String::new(),
                source: "203.0.113.7".into(),
                headers: Headers::from([
                    ("content-type", "application/json"),
                    ("x-forwarded-for", "203.0.113.7"),
                ]),
                added: vec!["x-forwarded-for".into()],
                body: Body::whole(br#"{"id":1}"#.to_vec()),
            },
            response: Response {
                status: 200,
                headers: Headers::from([("content-type", "application/json")]),
                body: r#"{"ok":true,"id":1652008511}"#.into(),
                delay_ms: 0,
                reply_use: None,
                unfilled: false,
            },
        };
        let json = serde_json::to_string(&delivery).unwrap();
        let hash = &delivery.request.body.sha256_hex();
        let contract = CONTRACT
            .replace("3ceb3ea65dda4db3f7bc2fe67b3fe2b9c7f0d44e1c93e0d5a2cbbd8cb3eb7f3f", hash);
        assert_eq!(json, contract);
        assert_eq!(serde_json::from_str::<Delivery>(&json).unwrap(), delivery);
    }
}
