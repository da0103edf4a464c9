//! What an endpoint's owner set the receiver to answer, and the response it makes.
//!
//! A reply is a stranger's text on our host, so it can neither act there nor lead away: few content types, few headers,
//! no `Location`, and a sandbox set last and always.
//! Anything but a plain success needs a count, because Particle rates the *host name* by its errors and one learner's
//! forgotten 500 would throttle everyone.

use serde::{Deserialize, Serialize};

use crate::{
    ReplyUse, Request, Response,
    headers::Headers,
    limits::Limits,
    placeholder::{self, MAX_HEADER_VALUE, Place, Template},
    published,
};

/// Longest body, as set and as rendered, in bytes.
pub const MAX_BODY: usize = 16 * 1024;
/// Longest JSON of a setting that is parsed. No longer one can be valid, even with each character written as `\u0000`, and
/// parsing takes fifty times its size in memory.
const MAX_SETTING: usize = 512 * 1024;
/// Most uses of a counted reply, and of one with a delay.
pub const MAX_TIMES: u32 = 20;
/// See [`MAX_TIMES`].
pub const MAX_TIMES_DELAYED: u32 = 5;
/// Most headers: enough for every handshake, far below what CloudFront refuses.
const MAX_HEADERS: usize = 20;
/// Longest secret, in bytes; those that senders give have up to a hundred.
const MAX_SECRET: usize = 512;

/// The content types, and how a value is put into such a body. None of them runs, and none leads away.
const CONTENT_TYPES: [(&str, Place); 6] = [
    ("application/json", Place::Json),
    ("text/plain", Place::Text),
    ("application/xml", Place::Xml),
    // TwiML is looked for under this one.
    ("text/xml", Place::Xml),
    ("application/octet-stream", Place::Text),
    // What tracking pixels expect.
    ("image/gif", Place::Text),
];

/// The headers besides `x-reply-…`.
const HEADERS: [&str; 7] = [
    "retry-after",
    "cache-control",
    // Asana's handshake: its own header, sent back.
    "x-hook-secret",
    // The handshake of CloudEvents over HTTP: who may send, and how often a minute.
    "webhook-allowed-origin",
    "webhook-allowed-rate",
    // Smartsheet's handshake.
    "smartsheet-hook-response",
    // Dropbox asks for it. Every response has it; a setting that names it is taken.
    NOSNIFF.0,
];

/// A reply setting, valid once it came out of [`Reply::parse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// HTTP status, 200-599.
    pub status: u16,
    /// One of a few; `application/json` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// A few, and `x-reply-…`. Values may have placeholders.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub headers: Headers,
    /// The body, which may have [placeholders](placeholder); if absent, `{"ok":…,"id":…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the placeholders' filters sign with. Kept with the reply, and shown to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// How long to hold the answer back, in milliseconds.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub delay_ms: u32,
    /// For how many deliveries; `None` means until it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// A text that is in no log and no message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
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
            secret: None,
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
        if self.place().is_none() {
            return refuse("content_type", wanted("content_type"));
        }
        if self.headers.0.len() > MAX_HEADERS {
            return refuse("headers", format!("at most {MAX_HEADERS} headers"));
        }
        for (index, (name, value)) in self.headers.0.iter().enumerate() {
            if let Err(detail) = check_header(name, value) {
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
        if body.len() > MAX_BODY {
            return refuse("body", format!("at most {MAX_BODY} bytes"));
        }
        let mut needs_secret = false;
        let values = self.headers.0.iter().map(|(_, value)| ("headers", value.as_str()));
        for (field, text) in values.chain([("body", body)]) {
            match Template::parse(text) {
                Ok(template) => needs_secret |= template.needs_secret(),
                Err(detail) => return refuse(field, detail),
            }
        }
        match &self.secret {
            None if needs_secret => return refuse("secret", wanted("secret")),
            Some(Secret(secret)) if secret.is_empty() || secret.len() > MAX_SECRET => {
                return refuse("secret", format!("from 1 to {MAX_SECRET} bytes"));
            }
            _ => {}
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

    /// The response this reply makes to a request: the default one if it repeats what the request does not have.
    pub fn response(&self, request: &Request, reply_use: Option<ReplyUse>) -> Response {
        let fill = |text: &str, place, most| {
            let secret = self.secret.as_ref().map(|Secret(secret)| secret.as_str());
            Template::parse(text).ok()?.fill(request, secret, place, most)
        };
        let content = || {
            let body = match &self.body {
                Some(body) => fill(body, self.place()?, MAX_BODY)?,
                None if !status_allows_body(self.status) => String::new(),
                None => {
                    let ok = (200..=299).contains(&self.status);
                    match published::event_id(request) {
                        Some(id) => format!(r#"{{"ok":{ok},"id":{}}}"#, id.to_json()),
                        None => format!(r#"{{"ok":{ok}}}"#),
                    }
                }
            };
            let mut headers = Headers::default();
            if !body.is_empty() {
                headers.0.push(("content-type".into(), self.content_type().into()));
            }
            for (name, value) in self.headers.0.iter().filter(|(name, _)| name != NOSNIFF.0) {
                headers.0.push((name.clone(), fill(value, Place::Header, MAX_HEADER_VALUE)?));
            }
            Some((body, headers))
        };
        let Some((body, mut headers)) = content() else {
            return Response { unfilled: true, ..Reply::default().response(request, reply_use) };
        };
        if headers.get("cache-control").is_none() {
            headers.0.push(("cache-control".into(), "no-store".into()));
        }
        let always = SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned()));
        headers.0.extend(always);
        Response {
            status: self.status,
            headers,
            body,
            delay_ms: self.delay_ms,
            reply_use,
            unfilled: false,
        }
    }

    fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(CONTENT_TYPES[0].0)
    }

    fn place(&self) -> Option<Place> {
        CONTENT_TYPES.iter().find(|(name, _)| *name == self.content_type()).map(|(_, place)| *place)
    }
}

const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

/// Set last on every answer of the receiver: whatever the text is, a browser neither runs nor shows it.
pub const SANDBOX: [(&str, &str); 3] = [
    NOSNIFF,
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("content-disposition", "attachment"),
];

/// Whether an answer with this status may have a body (RFC 9110, 6.4.1).
fn status_allows_body(status: u16) -> bool {
    !matches!(status, 204 | 205 | 304)
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_own = name.strip_prefix("x-reply-").is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    if !is_own && !HEADERS.contains(&name) {
        return Err(format!("only {} and x-reply-… in lower case", HEADERS.join(", ")));
    }
    if name == NOSNIFF.0 && value != NOSNIFF.1 {
        return Err(format!("{} can only be {}", NOSNIFF.0, NOSNIFF.1));
    }
    if name.len() > MAX_HEADER_VALUE || !placeholder::is_header_value(value) {
        return Err(format!(
            "the value of {name} may hold at most {MAX_HEADER_VALUE} visible ASCII characters, no line break, no space at its ends"
        ));
    }
    Ok(())
}

fn wanted(field: &str) -> String {
    match field {
        "status" => "a number from 200 to 599".into(),
        "content_type" => format!("one of {}", CONTENT_TYPES.map(|(name, _)| name).join(", ")),
        "headers" => "a list of pairs such as [[\"retry-after\",\"5\"]]".into(),
        "body" => "a string".into(),
        "secret" => "the text that hmac_sha256_… signs with, which the sender shows you".into(),
        "delay_ms" => "whole milliseconds".into(),
        "times" => "a whole number from 1".into(),
        _ => "no such field; there are status, content_type, headers, body, secret, delay_ms and times"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::body::Body;

    const SLOW: Limits = Limits {
        max_body_bytes: 1,
        max_deliveries: 1,
        delivery_ttl_s: 1,
        endpoint_ttl_s: 1,
        max_delay_ms: 30_000,
        endpoint_units_per_s: 0,
    };

    fn request(json: &str) -> Request {
        Request { body: Body::whole(json.as_bytes().to_vec()), ..Request::default() }
    }

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
            let rest = long(MAX_HEADER_VALUE - name.len());
            format!(r#"["{name}{rest}","{}"]"#, long(MAX_HEADER_VALUE))
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
            (r#"{"status":200,"body":"{{json.a | md5}}"}"#, "body"),
            (r#"{"status":200,"body":"{{json.a | hmac_sha256_hex}}"}"#, "secret"),
            (r#"{"status":200,"headers":[["x-reply-a","{{query}}"]]}"#, "headers"),
            (r#"{"status":200,"secret":""}"#, "secret"),
            (r#"{"status":200,"headers":[["x-content-type-options","off"]]}"#, "headers"),
        ] {
            check(json, Some(field));
        }
        let over = serde_json::json!({"status":200,"body":"x".repeat(MAX_BODY + 1)}).to_string();
        check(&over, Some("body"));
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
        let body = |json: &str| Reply::default().response(&request(json), None).body;
        assert_eq!(body(r#"{"id":1652008511}"#), r#"{"ok":true,"id":1652008511}"#);
        assert_eq!(body(r#"{"id":"a\"b"}"#), r#"{"ok":true,"id":"a\"b"}"#);
        assert_eq!(body("{}"), r#"{"ok":true}"#);
    }

    #[test]
    fn a_reply_that_repeats_what_is_absent_is_the_default_one() {
        let set = |json: &str| Reply::parse(json.as_bytes(), &SLOW).unwrap();
        let texts =
            set(r#"{"status":201,"content_type":"text/plain","body":"{{json.challenge}}"}"#);
        let usage = Some(ReplyUse { n: 1, of: 2 });
        let echo = texts.response(&request(r#"{"challenge":"C"}"#), usage);
        assert_eq!((echo.status, echo.body.as_str()), (201, "C"));
        let other = request(r#"{"id":7}"#);
        let usual = Reply::default().response(&other, usage);
        assert_eq!(texts.response(&other, usage), Response { unfilled: true, ..usual });
        let header = set(
            r#"{"status":200,"headers":[["x-hook-secret","{{json.s}}"],["x-content-type-options","nosniff"]]}"#,
        );
        let sent = header.response(&request(r#"{"s":"S"}"#), None).headers;
        assert_eq!(sent.get("x-hook-secret"), Some("S"));
        assert_eq!(sent.0.iter().filter(|(name, _)| name == NOSNIFF.0).count(), 1);
        let split = header.response(&request(r#"{"s":"S\r\nset-cookie: a"}"#), None).headers;
        assert_eq!(split.get("x-hook-secret"), None);
    }

    #[test]
    fn a_secret_is_in_no_debug_text() {
        let reply = Reply::parse(br#"{"status":200,"secret":"planted"}"#, &SLOW).unwrap();
        assert!(!format!("{reply:?}").contains("planted"));
    }

    proptest! {
        #[test]
        fn a_rendered_body_is_within_the_limit(text in "\\PC{0,64}", marks in 0usize..60, fill in 0usize..MAX_BODY) {
            let json = serde_json::json!({"status":200,"body":format!("{}{}", "{{id}}".repeat(marks), "x".repeat(fill))});
            if let Ok(reply) = Reply::parse(json.to_string().as_bytes(), &SLOW) {
                let request = request(&serde_json::json!({ "id": text }).to_string());
                prop_assert!(reply.response(&request, None).body.len() <= MAX_BODY);
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
            let headers = reply.response(&Request::default(), None).headers.0;
            let tail: Vec<_> = headers[headers.len() - 3..].iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            prop_assert_eq!(tail, SANDBOX.to_vec());
        }
    }
}
