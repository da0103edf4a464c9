//! The event that a function URL sends: payload format 2.0
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>).

use std::fmt;

use data_encoding::BASE64;
use delivery::{Request, body::Body, headers::Headers};
use serde::{Deserialize, Deserializer, de};

/// The header in which the CDN proves that a request came through it.
pub const ORIGIN_SECRET_HEADER: &str = "x-origin-secret";
/// The header in which the CDN says where the sender is: an address without a port. CloudFront has one of its own, which a
/// policy that forwards "all but Host" can't add; so the edge function writes this one, over whatever the sender wrote.
pub const VIEWER_ADDRESS_HEADER: &str = "x-viewer-address";
/// The header in which the CDN says which host the sender used, written in the same way. The event's own `host` is that of
/// the function URL, which the sender did not use, and by which the CDN could be bypassed.
pub const VIEWER_HOST_HEADER: &str = "x-viewer-host";

/// Headers that a function URL adds.
const ADDED: [&str; 6] = [
    "x-amzn-tls-cipher-suite",
    "x-amzn-tls-version",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
];
/// Headers that CloudFront adds
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html>), besides all that
/// begin with `cloudfront-`. Without CloudFront they are the sender's.
const ADDED_BY_CDN: [&str; 2] = ["via", "x-amz-cf-id"];

/// The parts of the event that are used. Unknown members are ignored, absent ones are empty, and so are those that are null,
/// as `cargo lambda watch` has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    #[serde(default, deserialize_with = "or_empty")]
    raw_path: String,
    #[serde(default, deserialize_with = "or_empty")]
    raw_query_string: String,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default, deserialize_with = "ordered")]
    headers: Headers,
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    #[serde(default, deserialize_with = "or_empty")]
    source_ip: String,
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Why an event is not a request to the handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventError {
    /// It did not come through the CDN.
    NotFromCdn,
    /// It says that its body is base64, and it isn't.
    NotBase64,
}

impl Event {
    /// The request in the event.
    ///
    /// With an `origin_secret`, only requests that carry it are taken, and what they say of the sender's address and of the
    /// host that the sender used is believed. What the CDN tells this function alone is no part of the request then. While one
    /// secret replaces another, `origin_secret` has both, with a blank between.
    ///
    /// # Errors
    /// If the secret is not there, or the body is not what the event says.
    pub fn into_request(self, origin_secret: Option<&str>) -> Result<Request, EventError> {
        let mut headers = self.headers;
        let presented = headers.get(ORIGIN_SECRET_HEADER).unwrap_or_default();
        let is_one_of = |secrets: &str| {
            secrets.split_ascii_whitespace().any(|secret| crate::same_secret(secret, presented))
        };
        if !origin_secret.is_none_or(is_one_of) {
            return Err(EventError::NotFromCdn);
        }
        let mut source = self.request_context.http.source_ip;
        if origin_secret.is_some() {
            if let Some(viewer) = headers.get(VIEWER_ADDRESS_HEADER) {
                source = viewer.to_owned();
            }
            let host = headers.get(VIEWER_HOST_HEADER).map(str::to_owned);
            let for_us = [ORIGIN_SECRET_HEADER, VIEWER_ADDRESS_HEADER, VIEWER_HOST_HEADER];
            headers.0.retain_mut(|(name, value)| {
                match (&host, name.eq_ignore_ascii_case("host")) {
                    (Some(host), true) => {
                        value.clone_from(host);
                        true
                    }
                    (None, true) => false,
                    (_, false) => !for_us.iter().any(|ours| name.eq_ignore_ascii_case(ours)),
                }
            });
        }
        if let Some(cookies) = self.cookies.filter(|cookies| !cookies.is_empty()) {
            headers.0.push(("cookie".into(), cookies.join("; ")));
        }
        let by_cdn = |name: &str| ADDED_BY_CDN.contains(&name) || name.starts_with("cloudfront-");
        let was_added =
            |name: &&str| ADDED.contains(name) || (origin_secret.is_some() && by_cdn(name));
        let names = headers.0.iter().map(|(name, _)| name.as_str());
        let added = names.filter(was_added).map(str::to_owned).collect();
        let body = self.body.unwrap_or_default();
        Ok(Request {
            method: self.request_context.http.method,
            raw_path: self.raw_path.clone(),
            path: self.raw_path,
            query: self.raw_query_string,
            source,
            headers,
            added,
            body: Body::whole(if self.is_base64_encoded {
                BASE64.decode(body.as_bytes()).map_err(|_| EventError::NotBase64)?
            } else {
                body.into_bytes()
            }),
        })
    }
}

/// A JSON object of strings, in its order.
fn ordered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
    struct Pairs;
    impl<'de> de::Visitor<'de> for Pairs {
        type Value = Headers;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings")
        }
        fn visit_unit<E>(self) -> Result<Headers, E> {
            Ok(Headers::default())
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
            let mut headers = Headers::default();
            while let Some(pair) = map.next_entry::<String, String>()? {
                headers.0.push(pair);
            }
            Ok(headers)
        }
    }
    deserializer.deserialize_any(Pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(event: serde_json::Value, secret: Option<&str>) -> Result<Request, EventError> {
        serde_json::from_value::<Event>(event).unwrap().into_request(secret)
    }

    fn event(headers: serde_json::Value) -> serde_json::Value {
        serde_json::json!({
            "version": "2.0", "rawPath": "/hook/x/%2F", "rawQueryString": "a=<b>&a=2", "headers": headers,
            "requestContext": {"http": {"method": "POST", "path": "/", "sourceIp": "203.0.113.7"}, "timeEpoch": 1},
            "isBase64Encoded": false
        })
    }

    #[test]
    fn invalid_uris_and_header_values_are_kept_as_they_are() {
        // As text, because a JSON value may or may not keep the order of its members.
        let json = r#"{"rawPath": "/hook/x", "rawQueryString": "a=<b>&a=2",
            "headers": {"x-name": "café \u001b[31m", "host": "a b<>"},
            "requestContext": {"http": {"method": "POST"}}}"#;
        let event: Event = serde_json::from_str(json).unwrap();
        let request = event.into_request(None).unwrap();
        assert_eq!(request.query, "a=<b>&a=2");
        assert_eq!(
            request.headers,
            Headers::from([("x-name", "café \u{1b}[31m"), ("host", "a b<>")])
        );
        assert_eq!(request.query_value("a").as_deref(), Some("<b>"));
    }

    #[test]
    fn what_is_null_is_empty() {
        let json = r#"{"rawPath": "/hook/x", "rawQueryString": null, "headers": null, "cookies": null, "body": null,
            "requestContext": {"http": {"method": "GET", "sourceIp": null}}}"#;
        let event: Event = serde_json::from_str(json).unwrap();
        let request = event.into_request(None).unwrap();
        let texts = [&request.path, &request.query, &request.source];
        assert_eq!(texts, ["/hook/x", "", ""]);
        assert_eq!((request.headers, request.body.kept), (Headers::default(), vec![]));
    }

    #[test]
    fn bodies_are_exact_bytes() {
        let mut with_body = event(serde_json::json!(null));
        with_body["body"] = "AP8=".into();
        assert_eq!(request(with_body.clone(), None).unwrap().body.kept, b"AP8=");
        with_body["isBase64Encoded"] = true.into();
        assert_eq!(request(with_body.clone(), None).unwrap().body.kept, [0, 255]);
        with_body["body"] = "%".into();
        assert_eq!(request(with_body, None).unwrap_err(), EventError::NotBase64);
    }

    #[test]
    fn cookies_are_a_header_again() {
        let mut with_cookies = event(serde_json::json!({}));
        with_cookies["cookies"] = serde_json::json!(["a=1", "b=2"]);
        assert_eq!(request(with_cookies, None).unwrap().headers.get("cookie"), Some("a=1; b=2"));
    }

    #[test]
    fn only_the_cdn_has_the_origin_secret_and_names_the_sender() {
        let secret = Some("s3cret");
        let through = |given: &str| {
            let headers = serde_json::json!({
                "x-origin-secret": given, "x-viewer-address": "2001:db8::1", "via": "2.0 x"
            });
            request(event(headers), secret)
        };
        let taken = through("s3cret").unwrap();
        assert_eq!(taken.source, "2001:db8::1");
        assert_eq!(taken.headers, Headers::from([("via", "2.0 x")]));
        assert_eq!(taken.added, ["via"]);
        for wrong in ["s3cre", "", "s3cret s3cret"] {
            assert_eq!(through(wrong).unwrap_err(), EventError::NotFromCdn);
        }
        assert_eq!(
            request(event(serde_json::json!({})), secret).unwrap_err(),
            EventError::NotFromCdn
        );
    }

    #[test]
    fn while_a_secret_is_replaced_both_are_taken() {
        let through = |given: &str| {
            let headers = serde_json::json!({ "x-origin-secret": given });
            request(event(headers), Some("new-s3cret old-s3cret"))
        };
        assert!(through("new-s3cret").is_ok() && through("old-s3cret").is_ok());
        for wrong in ["", "s3cret", "new-s3cret old-s3cret"] {
            assert_eq!(through(wrong).unwrap_err(), EventError::NotFromCdn);
        }
    }

    #[test]
    fn the_host_is_the_sender_s_and_never_the_function_s() {
        let through = |json: &str| {
            let json = format!(
                r#"{{"rawPath": "/hook/x", "headers": {{"x-origin-secret": "s3cret", {json}}},
                    "requestContext": {{"http": {{"method": "POST"}}}}}}"#
            );
            let event: Event = serde_json::from_str(&json).unwrap();
            event.into_request(Some("s3cret")).unwrap()
        };
        let own = r#""accept": "*/*", "Host": "abc.lambda-url.eu-central-1.on.aws""#;
        let claimed = r#""x-forwarded-host": "proxy.example", "x-viewer-host": "hooks.example""#;
        let taken = through(&format!("{own}, {claimed}"));
        let expected =
            [("accept", "*/*"), ("Host", "hooks.example"), ("x-forwarded-host", "proxy.example")];
        assert_eq!(taken.headers, Headers::from(expected));
        assert_eq!(taken.added, Vec::<String>::new());
        assert_eq!(through(own).headers, Headers::from([("accept", "*/*")]));
    }

    #[test]
    fn without_a_cdn_its_headers_prove_nothing() {
        let claims = [
            ("host", "page.example"),
            ("x-viewer-host", "claimed.example"),
            ("x-viewer-address", "198.51.100.1"),
            ("x-origin-secret", "s3cret"),
            ("via", "1.1 the sender's own"),
            ("cloudfront-viewer-country", "CH"),
        ];
        let headers = serde_json::Map::from_iter(claims.map(|(n, v)| (n.to_owned(), v.into())));
        let taken = request(event(headers.into()), None).unwrap();
        assert_eq!(taken.source, "203.0.113.7");
        for (name, value) in claims {
            assert_eq!(taken.headers.get(name), Some(value));
        }
        assert_eq!(taken.added, Vec::<String>::new());
    }
}
