//! HTTP to the genuine function-URL event (payload 2.0), and its answer back to HTTP.
//!
//! Does to a request what a function URL does: header names in lower case, repeats joined by commas, cookies apart, bodies
//! that are not text in base64, its own headers added.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>

use std::net::IpAddr;

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use delivery::millis::Millis;
use function_url::service::Service;
use http::{HeaderMap, Request, Response, header};
use lambda_http::{
    Context, LambdaEvent,
    aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body},
};
use serde::Serialize;

/// Headers that belong to one connection and not to the request (RFC 9110, 7.6.1).
pub const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What the gateway knows besides the request itself.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// The sender's address.
    pub from: IpAddr,
    /// The port it came to.
    pub port: u16,
    /// When.
    pub at: Millis,
}

/// Calls a function as its function URL would.
pub async fn invoke(
    service: &Service,
    request: Request<Bytes>,
    arrived: Arrived,
) -> anyhow::Result<Response<Bytes>> {
    let request_id = format!("{:016x}{:016x}", function_url::random(), function_url::random());
    // Through JSON both ways, as on AWS: what JSON can't carry can't slip past it here either.
    let payload = serde_json::from_slice(&event(&request, arrived, &request_id)?)?;
    let mut context = Context::default();
    context.request_id = request_id;
    let answer = service.call(LambdaEvent { payload, context }).await;
    response(&serde_json::to_vec(&answer)?)
}

/// The JSON of the event that a request is to a function.
///
/// # Errors
/// Never in practice: all that is in it is text.
pub fn event(
    request: &Request<Bytes>,
    arrived: Arrived,
    request_id: &str,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Event::new(request, arrived, request_id))
}

/// The response that a function's answer, in JSON, is to the sender.
///
/// # Errors
/// If it is no answer that a function URL would take.
pub fn response(answer: &[u8]) -> anyhow::Result<Response<Bytes>> {
    to_http(serde_json::from_slice(answer)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    version: &'static str,
    route_key: &'static str,
    raw_path: String,
    raw_query_string: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: Pairs,
    request_context: RequestContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: String,
    http: HttpContext,
    request_id: String,
    route_key: &'static str,
    stage: &'static str,
    time_epoch: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    method: String,
    path: String,
    protocol: &'static str,
    source_ip: String,
    user_agent: String,
}

/// A JSON object in the order of its pairs.
struct Pairs(Vec<(String, String)>);

impl Serialize for Pairs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Event {
    fn new(request: &Request<Bytes>, arrived: Arrived, request_id: &str) -> Self {
        let (headers, cookies) = headers(request.headers(), arrived);
        let find = |name: &str| {
            let found = headers.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (domain_name, user_agent) = (find("host"), find("user-agent"));
        let (body, is_base64_encoded) = body(&find("content-type"), request.body());
        let raw_path = request.uri().path().to_owned();
        Event {
            version: "2.0",
            route_key: "$default",
            raw_query_string: request.uri().query().unwrap_or_default().to_owned(),
            cookies,
            headers: Pairs(headers),
            request_context: RequestContext {
                account_id: "anonymous",
                api_id: "local",
                domain_name,
                http: HttpContext {
                    method: request.method().to_string(),
                    path: raw_path.clone(),
                    protocol: "HTTP/1.1",
                    source_ip: arrived.from.to_string(),
                    user_agent,
                },
                request_id: request_id.to_owned(),
                route_key: "$default",
                stage: "$default",
                time_epoch: arrived.at.0,
            },
            raw_path,
            body,
            is_base64_encoded,
        }
    }
}

fn headers(sent: &HeaderMap, arrived: Arrived) -> (Vec<(String, String)>, Vec<String>) {
    let mut joined: Vec<(String, String)> = Vec::new();
    let mut cookies = Vec::new();
    let mut put = |name: &str, value: String| match joined.iter_mut().find(|(n, _)| n == name) {
        Some((_, before)) => *before = format!("{before},{value}"),
        None => joined.push((name.to_owned(), value)),
    };
    for (name, value) in sent {
        let value = text(value.as_bytes());
        match name.as_str() {
            "cookie" => cookies.extend(value.split("; ").map(str::to_owned)),
            name if HOP_BY_HOP.contains(&name) => {}
            name => put(name, value),
        }
    }
    put("x-forwarded-for", arrived.from.to_string());
    put("x-forwarded-port", arrived.port.to_string());
    put("x-forwarded-proto", "http".into());
    let id = [function_url::random().to_be_bytes(), function_url::random().to_be_bytes()].concat();
    let trace = format!("Root=1-{:08x}-{}", arrived.at.0 / 1000, HEXLOWER.encode(&id[..12]));
    put("x-amzn-trace-id", trace);
    (joined, cookies)
}

/// A header's bytes as JSON can hold them: UTF-8, or else each byte as the character of that number (ISO 8859-1, which
/// is what HTTP once was).
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn body(content_type: &str, bytes: &Bytes) -> (Option<String>, bool) {
    if bytes.is_empty() {
        return (None, false);
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"]
            .contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => (Some(text.to_owned()), false),
        _ => (Some(BASE64.encode(bytes)), true),
    }
}

fn to_http(answer: ApiGatewayV2httpResponse) -> anyhow::Result<Response<Bytes>> {
    let body = match answer.body {
        None | Some(Body::Empty) => Bytes::new(),
        Some(Body::Text(text)) if answer.is_base64_encoded => {
            BASE64.decode(text.as_bytes())?.into()
        }
        Some(Body::Text(text)) => text.into(),
        Some(Body::Binary(bytes)) => bytes.into(),
        Some(other) => anyhow::bail!("a body of an unknown kind: {other:?}"),
    };
    let mut response = Response::new(body);
    *response.status_mut() = u16::try_from(answer.status_code)?.try_into()?;
    *response.headers_mut() = answer.headers;
    for cookie in answer.cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie.parse()?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(request: Request<Bytes>) -> serde_json::Value {
        let arrived =
            Arrived { from: [203, 0, 113, 7].into(), port: 8787, at: Millis(1_795_431_600_123) };
        serde_json::to_value(Event::new(&request, arrived, "id")).unwrap()
    }

    fn request(content_type: &str, body: &'static [u8]) -> Request<Bytes> {
        Request::post("/hook/x/%2F?a=1&a=2")
            .header("Content-Type", content_type)
            .body(Bytes::from_static(body))
            .unwrap()
    }

    #[test]
    fn repeats_are_joined_names_lowered_and_cookies_set_apart() {
        let mut request = request("text/plain", b"x");
        let headers = request.headers_mut();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.append("cookie", "a=1; b=2".parse().unwrap());
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        headers.append("transfer-encoding", "chunked".parse().unwrap());
        let event = event(request);
        assert_eq!(event["headers"]["x-a"], "1,2");
        assert_eq!(event["cookies"], serde_json::json!(["a=1", "b=2"]));
        assert_eq!(event["headers"]["x-forwarded-for"], "198.51.100.1,203.0.113.7");
        assert!(event["headers"].get("transfer-encoding").is_none());
        assert_eq!(event["rawPath"], "/hook/x/%2F");
        assert_eq!(event["rawQueryString"], "a=1&a=2");
    }

    #[test]
    fn only_text_that_is_text_travels_as_text() {
        for (kind, bytes, body, is_base64_encoded) in [
            ("application/json; charset=utf-8", &b"{}"[..], "{}", false),
            ("text/plain", b"\xff", "/w==", true),
            ("application/octet-stream", b"{}", "e30=", true),
            ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
        ] {
            let event = event(request(kind, bytes));
            assert_eq!(event["body"], body, "{kind}");
            assert_eq!(event["isBase64Encoded"], is_base64_encoded, "{kind}");
        }
        assert!(event(request("text/plain", b"")).get("body").is_none());
    }
}
