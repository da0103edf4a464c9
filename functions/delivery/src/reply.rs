//! What an endpoint's owner set the receiver to answer, and the response it makes.
//!
//! A reply is a stranger's text on our host, so it can neither act there nor lead away: four content types, few headers,
//! no `Location`, and a sandbox set last and always.
//! Anything but a plain success needs a count, because Particle rates the *host name* by its errors and one learner's
//! forgotten 500 would throttle everyone.

use serde::{Deserialize, Serialize};

use crate::{ReplyUse, Response, headers::Headers, limits::Limits, published::Id};

/// Longest body, as set and as rendered, in bytes.
pub const MAX_BODY: usize = 16 * 1024;
/// Longest JSON of a setting that is parsed. No longer one can be valid, even with each character written as `\u0000`, and
/// parsing takes fifty times its size in memory.
const MAX_SETTING: usize = 512 * 1024;
/// Most uses of a counted reply, and of one with a delay.
pub const MAX_TIMES: u32 = 20;
/// See [`MAX_TIMES`].
pub const MAX_TIMES_DELAYED: u32 = 5;
/// Most headers, and the longest name or value in bytes: enough for the tutorial, far below what CloudFront refuses.
const MAX_HEADERS: usize = 20;
const MAX_HEADER_LEN: usize = 1024;
/// The placeholder for the id in a body.
const ID_MARK: &str = "{{id}}";
/// The longest rendered id: each character of a string may become `\u0000`, and a value may have two quotes.
const MAX_RENDERED_ID: usize = crate::published::MAX_ID_LEN * 6 + 2;

const CONTENT_TYPES: [&str; 4] =
    ["application/json", "text/plain", "application/xml", "application/octet-stream"];

/// A reply setting, valid once it came out of [`Reply::parse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// HTTP status, 200-599.
    pub status: u16,
    /// One of four; `application/json` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `retry-after`, `cache-control` and `x-reply-…` only.
    #[serde(default, skip_serializing_if = "headers_are_empty")]
    pub headers: Headers,
    /// The body, in which `{{id}}` is replaced by the request's id; if absent, `{"ok":…,"id":…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How long to hold the answer back, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u32,
    /// For how many deliveries; `None` means until it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

fn headers_are_empty(headers: &Headers) -> bool {
    headers.0.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(ms: &u32) -> bool {
    *ms == 0
}

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field's name; empty if the whole text is not a setting.
    pub field: String,
    /// What to do about it.
    pub detail: String,
}

impl Default for Reply {
    /// `200 {"ok":true,"id":ID}`.
    fn default() -> Self {
        Reply {
            status: 200,
            content_type: None,
            headers: Headers::default(),
            body: None,
            delay_ms: 0,
            times: None,
        }
    }
}

impl Reply {
    /// The setting that a JSON text is.
    ///
    /// # Errors
    /// Names the first field that does not fit, and says what would.
    pub fn parse(json: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let refuse = |field: &str, detail: String| Err(Refusal { field: field.into(), detail });
        if json.len() > MAX_SETTING {
            return refuse("", format!("a setting has at most {MAX_SETTING} bytes"));
        }
        let value: serde_json::Value = match serde_json::from_slice(json) {
            Ok(value @ serde_json::Value::Object(_)) => value,
            Ok(_) => {
                return refuse(
                    "",
                    "send a JSON object such as {\"status\":404,\"times\":3}".into(),
                );
            }
            Err(error) => return refuse("", format!("the body is not JSON: {error}")),
        };
        // One field at a time, so that the one which does not fit can be named.
        for (name, value) in value.as_object().into_iter().flatten() {
            let mut probe = serde_json::json!({ "status": 200 });
            probe[name] = value.clone();
            if serde_json::from_value::<Reply>(probe).is_err() {
                return refuse(name, wanted(name));
            }
        }
        let Ok(reply) = serde_json::from_value::<Reply>(value) else {
            return refuse("status", wanted("status"));
        };
        reply.check(limits)?;
        Ok(reply)
    }

    fn check(&self, limits: &Limits) -> Result<(), Refusal> {
        let refuse = |field: &str, detail: String| Err(Refusal { field: field.into(), detail });
        if !(200..=599).contains(&self.status) {
            return refuse("status", wanted("status"));
        }
        if let Some(kind) = &self.content_type
            && !CONTENT_TYPES.contains(&kind.as_str())
        {
            return refuse("content_type", wanted("content_type"));
        }
        if self.headers.0.len() > MAX_HEADERS {
            return refuse("headers", format!("at most {MAX_HEADERS} headers"));
        }
        for (index, (name, value)) in self.headers.0.iter().enumerate() {
            if let Some(detail) = header_refusal(name, value) {
                return refuse("headers", detail);
            }
            // A function URL sends one value of each name, and what is recorded must be what is sent.
            if self.headers.0[..index].iter().any(|(n, _)| n == name) {
                return refuse("headers", format!("{name} once, its values joined by commas"));
            }
        }
        let body = self.body.as_deref().unwrap_or_default();
        if !body.is_empty() && !status_allows_body(self.status) {
            return refuse(
                "body",
                format!("a {} answer has no body by the rules of HTTP", self.status),
            );
        }
        let marks = body.matches(ID_MARK).count();
        if body.len() + marks * MAX_RENDERED_ID > MAX_BODY && (marks > 0 || body.len() > MAX_BODY) {
            return refuse(
                "body",
                format!("at most {MAX_BODY} bytes, each {ID_MARK} counted as {MAX_RENDERED_ID}"),
            );
        }
        if self.delay_ms > limits.max_delay_ms {
            return refuse(
                "delay_ms",
                match limits.max_delay_ms {
                    0 => "this server does not hold answers back".into(),
                    most => format!("at most {most} milliseconds here"),
                },
            );
        }
        let most = if self.delay_ms > 0 { MAX_TIMES_DELAYED } else { MAX_TIMES };
        match self.times {
            Some(times) if times == 0 || times > most => {
                refuse("times", format!("from 1 to {most} for this reply"))
            }
            None if self.delay_ms > 0 || !(200..=299).contains(&self.status) => refuse(
                "times",
                format!("a delay or a status other than 2xx needs a count from 1 to {most}"),
            ),
            _ => Ok(()),
        }
    }

    /// The response this reply makes to a request that carried `id`.
    pub fn response(&self, id: Option<&Id>, reply_use: Option<ReplyUse>) -> Response {
        let body = match &self.body {
            Some(template) => {
                let inner = id.map_or_else(|| "null".to_owned(), Id::to_inner);
                template.replace(ID_MARK, &inner)
            }
            None if !status_allows_body(self.status) => String::new(),
            None => {
                let ok = (200..=299).contains(&self.status);
                match id {
                    Some(id) => format!(r#"{{"ok":{ok},"id":{}}}"#, id.to_json()),
                    None => format!(r#"{{"ok":{ok}}}"#),
                }
            }
        };
        let kind = self.content_type.as_deref().unwrap_or(CONTENT_TYPES[0]);
        let mut headers = Headers::default();
        if !body.is_empty() {
            headers.0.push(("content-type".into(), kind.into()));
        }
        headers.0.extend(self.headers.0.iter().cloned());
        if headers.get("cache-control").is_none() {
            headers.0.push(("cache-control".into(), "no-store".into()));
        }
        let always = SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned()));
        headers.0.extend(always);
        Response { status: self.status, headers, body, delay_ms: self.delay_ms, reply_use }
    }
}

/// Set last on every answer of the receiver: whatever the text is, a browser neither runs nor shows it.
pub const SANDBOX: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("content-disposition", "attachment"),
];

/// Whether an answer with this status may have a body (RFC 9110, 6.4.1).
fn status_allows_body(status: u16) -> bool {
    !matches!(status, 204 | 205 | 304)
}

fn header_refusal(name: &str, value: &str) -> Option<String> {
    let is_own = name.strip_prefix("x-reply-").is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    if !is_own && !["retry-after", "cache-control"].contains(&name) {
        return Some("only retry-after, cache-control and x-reply-… in lower case".into());
    }
    if name.len() > MAX_HEADER_LEN || value.len() > MAX_HEADER_LEN {
        return Some(format!("a name and a value have at most {MAX_HEADER_LEN} bytes"));
    }
    let visible = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (!visible || value.trim() != value)
        .then(|| format!("the value of {name} may hold visible ASCII characters only, no line break, no space at its ends"))
}

fn wanted(field: &str) -> String {
    match field {
        "status" => "a number from 200 to 599".into(),
        "content_type" => format!("one of {}", CONTENT_TYPES.join(", ")),
        "headers" => "a list of pairs such as [[\"retry-after\",\"5\"]]".into(),
        "body" => "a string".into(),
        "delay_ms" => "whole milliseconds".into(),
        "times" => "a whole number from 1".into(),
        _ => "no such field; there are status, content_type, headers, body, delay_ms and times"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOW: Limits = Limits {
        max_body_bytes: 1,
        max_deliveries: 1,
        delivery_ttl_s: 1,
        endpoint_ttl_s: 1,
        max_delay_ms: 30_000,
        endpoint_units_per_s: 0,
    };

    fn check(json: &str, refused_field: Option<&str>) {
        let field = Reply::parse(json.as_bytes(), &SLOW).err().map(|refusal| {
            assert!(!refusal.detail.is_empty());
            refusal.field
        });
        assert_eq!(field.as_deref(), refused_field, "{json}");
    }

    /// As much as there may be, each character written as long as JSON can.
    fn largest() -> String {
        let long = |count| r"\u0061".repeat(count);
        let header = |nth| {
            let name = format!("x-reply-{nth:02}");
            let rest = long(MAX_HEADER_LEN - name.len());
            format!(r#"["{name}{rest}","{}"]"#, long(MAX_HEADER_LEN))
        };
        let headers: Vec<_> = (0..MAX_HEADERS).map(header).collect();
        let (headers, body) = (headers.join(","), long(MAX_BODY));
        format!(r#"{{"status":200,"headers":[{headers}],"body":"{body}"}}"#)
    }

    #[test]
    fn settings_that_fit_are_taken() {
        check(r#"{"status":200}"#, None);
        check(r#"{"status":201,"content_type":"text/plain","body":""}"#, None);
        check(r#"{"status":404,"times":20}"#, None);
        check(r#"{"status":200,"delay_ms":25000,"times":5}"#, None);
        check(
            r#"{"status":503,"times":1,"headers":[["retry-after","5"],["x-reply-a","b c"]]}"#,
            None,
        );
        check(r#"{"status":204}"#, None);
        let full = serde_json::json!({"status":200,"body":"x".repeat(MAX_BODY)}).to_string();
        check(&full, None);
        check(&largest(), None);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (json, field) in [
            ("", ""),
            ("[]", ""),
            ("{}", "status"),
            (r#"{"status":199}"#, "status"),
            (r#"{"status":600,"times":1}"#, "status"),
            (r#"{"status":"200"}"#, "status"),
            (r#"{"status":200,"colour":1}"#, "colour"),
            (r#"{"status":200,"content_type":"text/html"}"#, "content_type"),
            (r#"{"status":200,"content_type":"text/plain\r\nset-cookie: a=b"}"#, "content_type"),
            (
                r#"{"status":302,"times":1,"headers":[["location","https://example.com"]]}"#,
                "headers",
            ),
            (r#"{"status":200,"headers":[["set-cookie","a=b"]]}"#, "headers"),
            (r#"{"status":200,"headers":[["x-reply-","b"]]}"#, "headers"),
            (r#"{"status":200,"headers":[["x-reply-a:","b"]]}"#, "headers"),
            (r#"{"status":200,"headers":[["x-reply-a","b\r\nset-cookie: a=b"]]}"#, "headers"),
            (r#"{"status":200,"headers":[["X-Reply-A","b"]]}"#, "headers"),
            (r#"{"status":200,"headers":{"x-reply-a":"b"}}"#, "headers"),
            (r#"{"status":200,"headers":[["x-reply-a","1"],["x-reply-a","2"]]}"#, "headers"),
            (r#"{"status":204,"body":"x"}"#, "body"),
            (r#"{"status":200,"body":7}"#, "body"),
            (r#"{"status":404}"#, "times"),
            (r#"{"status":404,"times":0}"#, "times"),
            (r#"{"status":404,"times":21}"#, "times"),
            (r#"{"status":200,"delay_ms":1}"#, "times"),
            (r#"{"status":200,"delay_ms":1,"times":6}"#, "times"),
            (r#"{"status":200,"delay_ms":30001,"times":1}"#, "delay_ms"),
            (r#"{"status":200,"delay_ms":-1,"times":1}"#, "delay_ms"),
        ] {
            check(json, Some(field));
        }
        let over = serde_json::json!({"status":200,"body":"x".repeat(MAX_BODY + 1)}).to_string();
        check(&over, Some("body"));
        let many = serde_json::json!({"status":200,"body":ID_MARK.repeat(50)}).to_string();
        check(&many, Some("body"));
    }

    #[test]
    fn a_setting_larger_than_any_that_fits_is_refused_unread() {
        let many = vec!["[0]"; MAX_SETTING / 4].join(",");
        let setting = format!(r#"{{"headers":[{many}]}}"#);
        let refusal = Reply::parse(setting.as_bytes(), &SLOW).unwrap_err();
        assert_eq!(refusal.detail, "a setting has at most 524288 bytes");
    }

    #[test]
    fn the_default_reply_gives_the_id_back() {
        let body = |id: Option<Id>| Reply::default().response(id.as_ref(), None).body;
        assert_eq!(body(Some(Id::Number("1652008511".into()))), r#"{"ok":true,"id":1652008511}"#);
        assert_eq!(body(Some(Id::Text("a\"b".into()))), r#"{"ok":true,"id":"a\"b"}"#);
        assert_eq!(body(None), r#"{"ok":true}"#);
    }

    proptest! {
        #[test]
        fn a_rendered_body_is_within_the_limit(text in "\\PC{0,64}", marks in 0usize..60, fill in 0usize..MAX_BODY) {
            let json = serde_json::json!({"status":200,"body":format!("{}{}", ID_MARK.repeat(marks), "x".repeat(fill))});
            if let Ok(reply) = Reply::parse(json.to_string().as_bytes(), &SLOW) {
                prop_assert!(reply.response(Some(&Id::Text(text)), None).body.len() <= MAX_BODY);
            }
        }

        #[test]
        fn a_setting_reads_back(status in 200u16..600, times in 1u32..6, delay_ms in 0u32..30_000, body in "\\PC{0,40}") {
            let json = if status_allows_body(status) {
                serde_json::json!({"status":status,"times":times,"delay_ms":delay_ms,"body":body})
            } else {
                serde_json::json!({"status":status,"times":times,"delay_ms":delay_ms})
            };
            let reply = Reply::parse(json.to_string().as_bytes(), &SLOW).unwrap();
            let again = Reply::parse(serde_json::to_string(&reply).unwrap().as_bytes(), &SLOW).unwrap();
            prop_assert_eq!(again, reply);
        }

        #[test]
        fn the_sandbox_stands_last_on_every_response(status in 200u16..600) {
            let reply = Reply { status, ..Reply::default() };
            let headers = reply.response(None, None).headers.0;
            let tail: Vec<_> = headers[headers.len() - 3..].iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            prop_assert_eq!(tail, SANDBOX.to_vec());
        }
    }
}
