//! From an event and a configuration to the request, header by header.
//!
//! The shapes are those of the captured requests in <https://docs.particle.io/reference/cloud-apis/webhooks/>.

use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use serde_json::{Value, json};

use crate::{
    clock::iso,
    event::Event,
    guesses::{
        CUSTOM_FIELD_WINS_GUESS, DELETE_BODY_GUESS, Guess, STRING_JSON_GUESS, VARIABLES_GUESS,
    },
    hook::{config::HookConfig, variables::Variables},
    json::{Object, to_text},
    redact,
    secrets::reveal_nothing,
};

/// How the cloud identifies itself to webhook servers.
pub(crate) const USER_AGENT: &str = "ParticleBot/1.1 (https://docs.particle.io/webhooks)";

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters that a URL cannot hold. The others are sent as the template's author wrote them.
const NOT_IN_URL: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request, ready to be written.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) uri: http::Uri,
    /// In the order on the wire.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) guesses: Vec<Guess>,
}

impl Outgoing {
    /// The name under which the server is rated.
    pub(crate) fn host(&self) -> String {
        self.uri.host().unwrap_or_default().to_ascii_lowercase()
    }
}

/// Fills the templates. An error is text for the hook-error event.
pub(crate) fn build(
    config: &HookConfig,
    event: &Event,
    secrets: &Object,
) -> Result<Outgoing, String> {
    let mut variables = Variables::of(event).with_secrets(secrets);
    let mut guesses = Vec::new();
    if variables.overlap() {
        guesses.push(VARIABLES_GUESS);
    }
    let defaults = if config.no_defaults { Object::new() } else { default_fields(event) };
    let mut query = variables.fill_object(&config.query)?;
    let mut content = Content::default();
    if config.request_type == "GET" {
        let form = variables.fill_object(&config.form)?;
        query = merge(query, form, &mut guesses);
        query = merge(defaults, query, &mut guesses);
    } else {
        content = Content::of(config, &mut variables, defaults, &mut guesses)?;
        if config.request_type == "DELETE" && content.body.is_some() {
            guesses.push(DELETE_BODY_GUESS);
        }
    }
    let uri = uri(&variables.fill(&config.url)?, &query)?;
    let custom = variables.fill_object(&config.headers)?;
    let authorization = authorization(config, &mut variables)?;
    let headers = headers(&custom, &uri, authorization, &content);
    check_headers(&headers)?;
    Ok(Outgoing { method: config.request_type.clone(), uri, headers, body: content.body, guesses })
}

/// A body, and the headers that depend on its kind.
#[derive(Default)]
struct Content {
    body: Option<String>,
    content_type: Option<&'static str>,
    accept: Option<&'static str>,
}

impl Content {
    fn of(
        config: &HookConfig,
        variables: &mut Variables,
        defaults: Object,
        guesses: &mut Vec<Guess>,
    ) -> Result<Self, String> {
        if let Some(json) = &config.json {
            return Ok(Self {
                body: Some(json_body(json, variables, defaults, guesses)?),
                content_type: Some("application/json"),
                accept: Some("application/json"),
            });
        }
        if let Some(text) = &config.body {
            return Ok(Self { body: Some(variables.fill(text)?), ..Self::default() });
        }
        let fields = merge(defaults, variables.fill_object(&config.form)?, guesses);
        if fields.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self {
            body: Some(encode(&fields)),
            content_type: Some("application/x-www-form-urlencoded"),
            accept: None,
        })
    }
}

fn authorization(config: &HookConfig, variables: &mut Variables) -> Result<Option<String>, String> {
    let Some(auth) = &config.auth else {
        return Ok(None);
    };
    let username = variables.fill(&auth.username)?;
    let password = variables.fill(&auth.password)?;
    let pair = BASE64.encode(format!("{username}:{password}").as_bytes());
    Ok(Some(format!("Basic {pair}")))
}

/// The owner cannot set framing or the host.
const RESERVED_HEADERS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"];

/// The owner's headers, then those of the cloud that the owner has not set.
fn headers(
    custom: &Object,
    uri: &http::Uri,
    authorization: Option<String>,
    content: &Content,
) -> Vec<(String, String)> {
    let host = uri.authority().map(|authority| {
        let host = authority.as_str().rsplit('@').next();
        host.unwrap_or_default().to_owned()
    });
    let length = content.body.as_ref().map(|body| body.len().to_string());
    let own = [
        ("User-Agent", Some(USER_AGENT.to_owned())),
        ("host", host),
        ("authorization", authorization),
        ("accept", content.accept.map(str::to_owned)),
        ("content-type", content.content_type.map(str::to_owned)),
        ("content-length", length),
    ];
    let mut headers: Vec<(String, String)> = custom
        .iter()
        .filter(|(name, _)| !RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| (name.clone(), field_text(value)))
        .collect();
    for (name, value) in own {
        let is_set = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if let Some(value) = value.filter(|_| !is_set) {
            headers.push((name.to_owned(), value));
        }
    }
    headers
}

/// Refuses headers that can't be sent, in the words of Node.js: a value that held the end of a line could hold another header.
fn check_headers(headers: &[(String, String)]) -> Result<(), String> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let invalid = |problem| format!("{problem} [{:?}]", reveal_nothing(name));
        let key = http::HeaderName::try_from(name)
            .map_err(|_| invalid("Header name must be a valid HTTP token"))?;
        let value = http::HeaderValue::try_from(value)
            .map_err(|_| invalid("Invalid character in header content"))?;
        map.try_append(key, value).map_err(|_| "the request has too many headers".to_owned())?;
    }
    Ok(())
}

/// The four fields that every webhook gets unless it says `noDefaults`, in the order of the captured requests.
fn default_fields(event: &Event) -> Object {
    let fields = [
        ("event", event.name.clone()),
        ("data", event.data.clone().unwrap_or_default()),
        ("published_at", iso(event.published_at)),
        ("coreid", event.coreid.clone()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn json_body(
    template: &Value,
    variables: &mut Variables,
    defaults: Object,
    guesses: &mut Vec<Guess>,
) -> Result<String, String> {
    let filled = match template {
        Value::String(template) => {
            let text = variables.fill(template)?;
            match serde_json::from_str(&text) {
                Ok(object @ Value::Object(_)) if !defaults.is_empty() => {
                    guesses.push(STRING_JSON_GUESS);
                    object
                }
                _ => return Ok(text),
            }
        }
        other => variables.fill_value(other)?,
    };
    let Value::Object(fields) = filled else {
        return Ok(filled.to_string());
    };
    Ok(Value::Object(merge(defaults, fields, guesses)).to_string())
}

/// Defaults first; a custom field of the same name takes the place of the default.
fn merge(mut defaults: Object, custom: Object, guesses: &mut Vec<Guess>) -> Object {
    for (key, value) in custom {
        if defaults.insert(key, value).is_some() && !guesses.contains(&CUSTOM_FIELD_WINS_GUESS) {
            guesses.push(CUSTOM_FIELD_WINS_GUESS);
        }
    }
    defaults
}

/// A value in a header or a form. Deeper structures have no form of their own there; JSON text loses nothing.
fn field_text(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => value.to_string(),
        other => to_text(other),
    }
}

fn encode(fields: &Object) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let pairs: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(&field_text(value))))
        .collect();
    pairs.join("&")
}

fn uri(url: &str, query: &Object) -> Result<http::Uri, String> {
    let url = url.trim();
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let mut url = utf8_percent_encode(url, NOT_IN_URL).to_string();
    if !query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&encode(query));
    }
    // The console's page shows this text without a sign-in.
    let invalid = || format!("Invalid URI {:?}", redact::url(&url));
    let uri: http::Uri = url.parse().map_err(|_| invalid())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Content;

    fn event(data: &str) -> Event {
        Event {
            id: "0123456789abcdef01234567".to_owned(),
            name: "demo".to_owned(),
            data: Some(data.to_owned()),
            content: Content::Text,
            published_at: 1_485_983_285_763,
            coreid: "3f002b000000000000000000".to_owned(),
            userid: "u".to_owned(),
            product_id: 13,
            in_product: false,
            guesses: Vec::new(),
        }
    }

    fn build_from(settings: &str, data: &str) -> Result<Outgoing, String> {
        let config = format!(r#"{{"event":"demo",{settings}}}"#);
        let config = HookConfig::read(&serde_json::from_str(&config).unwrap()).unwrap();
        let secrets = Object::from_iter([("AUTH_KEY".to_owned(), json!("s<cret"))]);
        build(&config, &event(data), &secrets)
    }

    fn built(settings: &str, data: &str) -> Outgoing {
        build_from(&format!(r#""url":"http://h",{settings}"#), data).unwrap()
    }

    /// Compares with the request as text, the way the documentation prints it, without the first header.
    fn check(settings: &str, data: &str, expected: &str) {
        let request = build_from(settings, data).unwrap();
        let path = request.uri.path_and_query().unwrap();
        let mut text = format!("{} {path}\n", request.method);
        for (name, value) in &request.headers {
            if (name.as_str(), value.as_str()) != ("User-Agent", USER_AGENT) {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
        if let Some(body) = &request.body {
            text.push_str(&format!("\n{body}"));
        }
        assert_eq!(text, expected, "{settings}");
    }

    #[test]
    fn the_default_request_is_the_documented_one() {
        check(
            r#""url":"http://host.com/""#,
            "mydata",
            "POST /\nhost: host.com\ncontent-type: application/x-www-form-urlencoded\ncontent-length: 96\n\n\
             event=demo&data=mydata&published_at=2017-02-01T21%3A08%3A05.763Z&coreid=3f002b000000000000000000",
        );
    }

    #[test]
    fn a_json_object_is_filled_leaf_by_leaf() {
        check(
            r#""url":"http://host.com/","noDefaults":true,"json":{"Temperature/{{{room}}}":"{{{t}}}"}"#,
            r#"{"room":"Kitchen","t":"20.00"}"#,
            "POST /\nhost: host.com\naccept: application/json\ncontent-type: application/json\n\
             content-length: 31\n\n{\"Temperature/Kitchen\":\"20.00\"}",
        );
        let request = built(
            r#""noDefaults":true,"json":{"data":"{{{PARTICLE_EVENT_VALUE}}}","n":1,"deep":[{"{{{k}}}":"{{t}}"}]}"#,
            r#"{"k":"a\"b","t":20}"#,
        );
        let body = r#"{"data":"{\"k\":\"a\\\"b\",\"t\":20}","n":1,"deep":[{"a\"b":"20"}]}"#;
        assert_eq!(request.body.unwrap(), body);
    }

    #[test]
    fn a_body_is_raw_text_without_a_content_type() {
        check(
            r#""url":"http://host.com:8080/a","headers":{"content-type":"application/json"},"body":"{\"t\":{{t}}}""#,
            r#"{"t":20}"#,
            "POST /a\ncontent-type: application/json\nhost: host.com:8080\ncontent-length: 8\n\n{\"t\":20}",
        );
    }

    #[test]
    fn a_get_carries_everything_in_its_query() {
        check(
            r#""url":"http://host.com/x?a=1","requestType":"GET","noDefaults":true,"query":{"where":"{{{lat}}},{{{lon}}}"}"#,
            r#"{"lat":39.7,"lon":-104.9}"#,
            "GET /x?a=1&where=39.7%2C-104.9\nhost: host.com\n",
        );
        check(
            r#""url":"http://host.com/","requestType":"GET""#,
            "a b",
            "GET /?event=demo&data=a%20b&published_at=2017-02-01T21%3A08%3A05.763Z&coreid=3f002b000000000000000000\n\
             host: host.com\n",
        );
    }

    #[test]
    fn defaults_join_a_form_and_json_but_custom_fields_win() {
        let request = built(r#""form":{"data":"mine","x":"1"}"#, "d");
        assert!(request.guesses.contains(&CUSTOM_FIELD_WINS_GUESS));
        let body = "event=demo&data=mine&published_at=2017-02-01T21%3A08%3A05.763Z&coreid=3f002b000000000000000000&x=1";
        assert_eq!(request.body.unwrap(), body);
        let request = built(r#""json":{"x":"1"}"#, "d");
        let body = r#"{"event":"demo","data":"d","published_at":"2017-02-01T21:08:05.763Z","coreid":"3f002b000000000000000000","x":"1"}"#;
        assert_eq!(request.body.unwrap(), body);
        let request = built(r#""json":"{\"t\":{{t}}}""#, r#"{"t":2}"#);
        assert!(request.guesses.contains(&STRING_JSON_GUESS));
        assert!(request.body.unwrap().ends_with(r#""t":2}"#));
    }

    #[test]
    fn a_text_is_filled_from_the_data_and_the_clouds_names() {
        let data = r#"{"t":2.5,"PARTICLE_DEVICE_ID":"forged"}"#;
        for (settings, body) in [
            (r#""json":"{\"t\":{{t}}}""#, r#"{"t":2.5}"#),
            (r#""json":{"d":"{{{nothing}}}"}"#, r#"{"d":""}"#),
            (
                r#""body":"{{PARTICLE_EVENT_VALUE}}""#,
                "{&quot;t&quot;:2.5,&quot;PARTICLE_DEVICE_ID&quot;:&quot;forged&quot;}",
            ),
            // The cloud's names win over the data.
            (
                r#""body":"{{{PRODUCT_ID}}} {{{PARTICLE_DEVICE_ID}}} {{{SPARK_CORE_ID}}}""#,
                "13 3f002b000000000000000000 3f002b000000000000000000",
            ),
        ] {
            let request = built(&format!(r#""noDefaults":true,{settings}"#), data);
            assert_eq!(request.body.unwrap(), body);
            assert!(request.guesses.contains(&VARIABLES_GUESS));
        }
    }

    #[test]
    fn a_secret_fills_any_field_and_wins_over_the_data() {
        check(
            r#""url":"http://host.com/{{{AUTH_KEY}}}","noDefaults":true,"headers":{"X-A":"{{AUTH_KEY}}"},
               "query":{"q":"{{{AUTH_KEY}}}"},"json":{"{{{AUTH_KEY}}}":"{{{PARTICLE_EVENT_VALUE}}}"}"#,
            r#"{"AUTH_KEY":"{{{AUTH_KEY}}}"}"#,
            "POST /s%3Ccret?q=s%3Ccret\nX-A: s&lt;cret\nhost: host.com\naccept: application/json\n\
             content-type: application/json\ncontent-length: 46\n\n{\"s<cret\":\"{\\\"AUTH_KEY\\\":\\\"{{{AUTH_KEY}}}\\\"}\"}",
        );
    }

    #[test]
    fn many_templates_make_no_larger_request_than_one() {
        let values = vec![r#""{{{PARTICLE_EVENT_VALUE}}}""#; 9000].join(",");
        let settings = format!(r#""url":"http://h","json":[{values}]"#);
        let reason = build_from(&settings, &"x".repeat(16_000)).unwrap_err();
        assert!(reason.contains("longer than 1 MiB"), "{reason}");
    }

    #[test]
    fn basic_authentication_is_filled_and_encoded() {
        let request = built(r#""auth":{"username":"{{{u}}}","password":"p"}"#, r#"{"u":"me"}"#);
        let header = ("authorization".to_owned(), "Basic bWU6cA==".to_owned());
        assert!(request.headers.contains(&header));
    }

    #[test]
    fn the_owner_cannot_set_framing_or_host() {
        check(
            r#""url":"http://h/","body":"x","headers":{"Host":"evil","Content-Length":"5","Transfer-Encoding":"chunked","X-Mine":"1"}"#,
            "",
            "POST /\nX-Mine: 1\nhost: h\ncontent-length: 1\n\nx",
        );
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named() {
        let name = "Header name must be a valid HTTP token";
        let value = "Invalid character in header content";
        for (headers, data, reason) in [
            (
                r#"{"X-A":"1","X-B":"{{{t}}}"}"#,
                r#"{"t":"a\r\nEvil: 1"}"#,
                format!("{value} [\"X-B\"]"),
            ),
            (r#"{"X Y":"1"}"#, "", format!("{name} [\"X Y\"]")),
            (r#"{"{{{nothing}}}":"1"}"#, "", format!("{name} [\"\"]")),
        ] {
            let settings = format!(r#""url":"http://h","headers":{headers}"#);
            assert_eq!(build_from(&settings, data).unwrap_err(), reason);
        }
        let request = built(r#""headers":{"X-A":"{{{t}}}"}"#, r#"{"t":"a\tb c"}"#);
        assert!(request.headers.contains(&("X-A".to_owned(), "a\tb c".to_owned())));
    }

    #[test]
    fn an_invalid_address_is_named() {
        for url in ["{{{nothing}}}", "ftp://h/", "http://", "/path"] {
            let reason = build_from(&format!(r#""url":"{url}""#), "").unwrap_err();
            assert!(reason.starts_with("Invalid URI"), "{url}: {reason}");
        }
    }

    #[test]
    fn the_whole_event_is_available_as_json_and_base64() {
        let request =
            built(r#""body":"{{{PARTICLE_EVENT_JSON}}} {{{PARTICLE_EVENT_BASE64}}}""#, "d");
        let body = request.body.unwrap();
        let (json, base64) = body.split_once(' ').unwrap();
        let expected = r#"{"name":"demo","data":"d","coreid":"3f002b000000000000000000","published_at":"2017-02-01T21:08:05.763Z"}"#;
        assert_eq!(json, expected);
        assert_eq!(BASE64.decode(base64.as_bytes()).unwrap(), json.as_bytes());
    }
}
